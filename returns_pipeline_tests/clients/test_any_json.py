"""Whatever JSON the APIs send, a parser gives a record or a rejection and nothing else: any other error would end the pass of every shop."""

import contextlib
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from returns_pipeline.clients import json_reading
from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.clients.outcomes import UnusableAnswer
from returns_pipeline.clients.records_brightpearl import CreditAsOrder, SalesCredit, SalesOrder
from returns_pipeline.clients.records_catalogue import Product
from returns_pipeline.clients.records_returngo import RmaDetail, RmaListRow, Transaction
from returns_pipeline.clients.records_warehouse import StockTransfer, goods_in_lines, goods_out_note
from returns_pipeline_tests.clients import samples
from returns_pipeline_tests.clients.test_records_brightpearl import own

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.decimals()
    | st.text(max_size=30)
    | st.sampled_from(
        [
            "",
            "0",
            "1.0000",
            "-1",
            "GBP",
            "JPY",
            "KWD",
            "9999-12-31T23:59:59+00:00",
            "0001-01-01T00:00:00+14:00",
            "\ud800",
            "²",
            "1e5",
        ]
    )
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["id", "1", "-1"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def rma() -> Any:
    return samples.loaded(samples.OWN / "returngo" / "rma-validated-exchange-abroad.json")


PARSERS: dict[str, tuple[Callable[[Any], object], Callable[[], Any]]] = {
    "rma": (RmaDetail.from_api, rma),
    "list row": (RmaListRow.from_api, lambda: rma()["rmaSummary"]),
    "transaction": (Transaction.from_api, lambda: rma()["transactions"][0]),
    "sale": (SalesOrder.from_api, lambda: own("order-get-abroad-bundle-not-invoiced")[0]),
    "credit": (SalesCredit.from_api, lambda: own("sales-credit-get")[1]),
    "credit as order": (CreditAsOrder.from_api, lambda: own("order-get-inclusive")[0]),
    "product": (Product.from_api, lambda: own("product-get-bundle")[0]),
    "transfer": (StockTransfer.from_api, lambda: own("stock-transfer-get")[0]),
    "goods in": (lambda raw: goods_in_lines(1, raw), lambda: own("goods-in-get")["3001"]),
    "goods out": (lambda raw: goods_out_note(1, raw), lambda: own("goods-out-get")["4001"]),
}


def places(raw: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value."""
    inner = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def replaced(raw: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The same with another value at one place."""
    if not path:
        return value
    changed = copy.copy(raw)
    changed[path[0]] = replaced(raw[path[0]], path[1:], value)
    return changed


@pytest.mark.parametrize("name", sorted(PARSERS))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_parser_gives_a_record_or_a_rejection(name, data):
    """Anything at any place of a right answer, or in place of it."""
    parse, right = PARSERS[name]
    raw = right()
    raw = replaced(raw, data.draw(st.sampled_from(places(raw))), data.draw(ANY_JSON))
    with contextlib.suppress(RecordRejected):
        parse(raw)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789.eE-+truefalsn \\u', max_size=60).map(str.encode))
def test_bytes_are_parsed_or_refused(content):
    """No byte sequence of a broken proxy may end in another error."""
    with contextlib.suppress(UnusableAnswer):
        json_reading.parse(content)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='[]{}"\\né', max_size=120))
def test_brackets_and_quotes_inside_a_string_are_no_nesting(text):
    """A shopper's remark may hold sixty opening brackets, and a backslash before its last quote."""
    assert json_reading.parse(json.dumps([text, {text: text}]).encode()) == [text, {text: text}]
