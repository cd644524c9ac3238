"""What is fuzzed: each target draws an input and hands it to a reader; any error that is not the reader's own refusal is a bug."""

import contextlib
import datetime as dt
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from returns_pipeline.clients import json_reading
from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.brightpearl_search import Since
from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.clients.outcomes import ReadFailed, UnusableAnswer
from returns_pipeline.clients.records_catalogue import cost_of
from returns_pipeline.clients.records_returngo import received_by
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.settings import SettingsError, load_settings
from returns_pipeline.stages import csv_lists, importing
from returns_pipeline.webhooks.messages import from_brightpearl, from_returngo
from returns_pipeline_tests.clients.test_any_json import ANY_JSON, PARSERS, places, replaced, rma
from returns_pipeline_tests.clients.test_records_brightpearl import own

_DEFAULTS = resources.files("returns_pipeline.settings").joinpath("defaults.toml").read_text(encoding="utf-8")
_LINES = _DEFAULTS.splitlines()
_KEYED = [number for number, line in enumerate(_LINES) if "=" in line.split("#")[0] and not line.startswith("#")]
_SHOP = load_settings({}).shops[0]
_PRICE = {"productId": 7, "priceLists": [{"priceListId": 1, "currencyCode": "GBP", "quantityPrice": {"1": "3.00"}}]}
_RETURNGO_PAGE = {
    "rmas": [rma()["rmaSummary"]],
    "transactions": rma()["transactions"],
    "next_cursor": "cmV0dXJucy5pZDo3",
}
_ACCOUNT = {"response": [{"id": 3, "statusId": "21", "orderTypeCode": "SC", "name": "Awaiting return", "code": "T20"}]}
_LIST = ("returned_item_id", "result", "reason")


@dataclass(frozen=True)
class Target:
    """What is drawn, who reads it, and how the reader refuses."""

    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], object]
    refusals: tuple[type[Exception], ...]

    def judge(self, drawn: Any) -> None:
        """Ends quietly where it was read or refused."""
        with contextlib.suppress(*self.refusals):
            self.read(drawn)


@dataclass(frozen=True)
class Answering:
    """What a client asks instead of an account: every read gets the same body."""

    body: Any

    def read(self, *_: object, **__: object) -> Any:
        return self.body


def _searched(body: Any) -> object:
    filters = {"orderTypeId": 3, "parentOrderId": [5001], "createdOn": Since(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))}
    return list(BrightpearlClient(Answering(body)).search("/order-service/order-search", filters))  # type: ignore[arg-type]


def _listed(body: Any) -> object:
    client = ReturnGoClient(Answering(body), reject=lambda _: None)  # type: ignore[arg-type]
    return list(client.list_rmas()), list(client.list_transactions())


def _account(body: Any) -> object:
    client = BrightpearlClient(Answering(body))  # type: ignore[arg-type]
    return client.order_statuses(), client.channels(), client.tax_codes(), client.warehouses()


@st.composite
def broken_answers(draw: st.DrawFn, right: Callable[[], Any]) -> Any:
    """A right answer with anything at one or two of its places."""
    raw = right()
    for _ in range(draw(st.integers(1, 2))):
        raw = replaced(raw, draw(st.sampled_from(places(raw))), draw(ANY_JSON))
    return raw


@st.composite
def broken_settings(draw: st.DrawFn) -> str:
    """The defaults with other values, lines torn, doubled or left out."""
    lines = list(_LINES)
    for number in draw(st.lists(st.sampled_from(_KEYED), min_size=1, max_size=4)):
        key = lines[number].split("=")[0]
        lines[number] = draw(
            st.one_of(
                st.just(""),
                st.just(f"{lines[number]}\n{lines[number]}"),
                st.integers(-(2**70), 2**70).map(lambda value, key=key: f"{key}= {value}"),
                st.text(max_size=20).map(lambda value, key=key: f"{key}= {json.dumps(value)}"),
                st.sampled_from(
                    ["[]", "{}", "true", "nan", "1e400", "2026-02-30", '[1, "a"]', "{ a = { b = 1 } }"]
                ).map(lambda value, key=key: f"{key}= {value}"),
                st.text(max_size=20),
            )
        )
    return "\n".join(lines)


_CELLS = st.text(max_size=12) | st.sampled_from(
    ["R-1", "#1001", "2026-03-31T14:05", "2026-03-31", "12.34", "-1", "1e9", "NaN", "Infinity", "GBP", "JPY", "KWD", "=1+1", '"', "\x00", ""]
)  # fmt: skip


@st.composite
def lists_of(draw: st.DrawFn, columns: Sequence[str]) -> bytes:
    """A CSV as spreadsheets and people make them."""
    head = draw(st.just(list(columns)) | st.lists(_CELLS, max_size=6))
    rows = draw(st.lists(st.lists(_CELLS, max_size=7), max_size=4))
    separator = draw(st.sampled_from([",", ",", ",", ";", "\t"]))
    text = "\r\n".join(separator.join(row) for row in [head, *rows])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    return text.encode(encoding, errors="ignore")


@st.composite
def webhook_bodies(draw: st.DrawFn) -> bytes:
    """What a sender, or somebody who says that he is it, may send."""
    names = st.sampled_from(["event", "eventName", "ids", "id", "rmaId", "rma_id", "rma", "data"])
    values = ANY_JSON | st.sampled_from(["RMA_CREATED", "order.modified", "goods-in-note.created", "1-5,9", "9-1", "7"])
    body = draw(st.dictionaries(names, values | st.dictionaries(names, values, max_size=3), max_size=4))
    return draw(st.just(json.dumps(body, default=str).encode()) | st.binary(max_size=60))


def _read_file(read: Callable[[Path], object]) -> Callable[[Any], object]:
    def from_disk(content: str | bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "given"
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", errors="ignore"))
            return read(path)

    return from_disk


TARGETS: Mapping[str, Target] = {
    **{
        f"answer: {name}": Target(broken_answers(right), parse, (RecordRejected,))
        for name, (parse, right) in PARSERS.items()
    },
    "answer: price": Target(broken_answers(lambda: _PRICE), lambda raw: list(cost_of(raw, 1)), (RecordRejected,)),
    "timeline of a return": Target(broken_answers(rma), received_by, ()),
    "page of a search": Target(broken_answers(lambda: {"response": own("order-search")}), _searched, (ReadFailed,)),
    "list of ReturnGo": Target(broken_answers(lambda: _RETURNGO_PAGE), _listed, (ReadFailed,)),
    "lists of the account": Target(broken_answers(lambda: _ACCOUNT), _account, (ReadFailed,)),
    "bytes of an answer": Target(st.binary(max_size=400), json_reading.parse, (UnusableAnswer,)),
    "webhook of Brightpearl": Target(webhook_bodies(), from_brightpearl, ()),
    "webhook of ReturnGo": Target(webhook_bodies(), from_returngo, ()),
    "list of refunds": Target(
        lists_of(importing.COLUMNS),
        _read_file(lambda path: importing.refunds_in(path, _SHOP)),
        (importing.ListRefused,),
    ),
    "list of inspections or SKUs": Target(
        lists_of(_LIST), _read_file(lambda path: csv_lists.read(path, _LIST)), (csv_lists.ListRefused,)
    ),
    "settings": Target(
        broken_settings(),
        _read_file(lambda path: load_settings({"RETURNS_SETTINGS": str(path)})),
        (SettingsError,),
    ),
}
