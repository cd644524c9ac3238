"""Searches: every page, by column name, and no row that was not asked for; a filter that is passed over is a failed read."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from returns_pipeline.clients.allow_list import Rule
from returns_pipeline.clients.brightpearl_search import Search, Since
from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline_tests.clients import samples
from returns_pipeline_tests.clients.server import Act, answers, serving, transport_to

ORDERS, THINGS = "/order-service/order-search", "/thing-search"
COLUMNS = {"orderId": "IDSET", "customerRef": "STRING", "updatedOn": "PERIOD"}
RULES = (
    Rule("GET", ORDERS),
    Rule("GET", THINGS),
    Rule("GET", "/product-service/product-search"),
    Rule("GET", "/accounting-service/customer-payment-search"),
)


def page(
    rows: Sequence[Sequence[Any]],
    *,
    first: int = 1,
    more: bool = False,
    columns: dict[str, str] | None = None,
    **meta: Any,
) -> Act:
    """One page as it was recorded: without firstResult and lastResult where it is empty."""
    described = [
        {"name": name, "reportDataType": kind, "sortable": True} for name, kind in (columns or COLUMNS).items()
    ]
    window = {"firstResult": first, "lastResult": first + len(rows) - 1} if rows else {}
    return answers(
        200,
        {
            "response": {
                "results": rows,
                "metaData": {"morePagesAvailable": more, "columns": described, **window, **meta},
            }
        },
    )


def row(order_id: int, reference: str = "#1001", updated: str | None = "2026-02-01T10:00:00.000-06:00") -> list[Any]:
    return [order_id, reference, updated]


def found(
    *acts: Act, filters: dict[str, Any] | None = None, path: str = THINGS
) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows that a search gives, and the requests it made."""
    with serving(*acts) as script:
        rows = list(Search(transport_to(script.base_url, rules=RULES)).rows(path, filters or {}))
    return rows, script.targets


def test_pages_are_read_to_the_end_and_rows_named_by_column():
    """Columns come in any order: by position a customer's reference would be read as an id."""
    backwards = {"customerRef": "STRING", "updatedOn": "PERIOD", "orderId": "IDSET"}
    rows, targets = found(page([row(1), row(2)], more=True), page([["#9", None, 3]], first=3, columns=backwards))
    assert [each["orderId"] for each in rows] == [1, 2, 3]
    assert rows[2] == {"customerRef": "#9", "updatedOn": None, "orderId": 3}
    assert [parse_qs(target.split("?")[1])["firstResult"] for target in targets] == [["1"], ["3"]]
    assert "pageSize=500" in targets[0]


def test_no_hits_is_empty():
    """An empty answer has no window at all."""
    assert found(page([]))[0] == []


def test_a_page_that_comes_twice_ends_in_an_error():
    """It would be read for ever, and what was read is not the whole."""
    with pytest.raises(ReadFailed, match="same page twice"):
        found(page([row(1), row(2)], more=True), page([row(1), row(2)], more=True, lastResult=4))


def test_rows_that_overlap_between_pages_come_once():
    """A payment read twice would be counted twice."""
    rows, _ = found(page([row(1), row(2)], more=True), page([row(2), row(3)], first=3))
    assert [each["orderId"] for each in rows] == [1, 2, 3]


def test_a_window_that_runs_backwards_is_an_error():
    """It would ask for the first page again and again."""
    with pytest.raises(ReadFailed, match="lastResult"):
        found(page([row(1)], more=True), page([row(2)], first=2, more=True, lastResult=1))


def test_searches_that_matter_have_an_order_of_their_own():
    """In any order, rows between two pages are missed."""
    assert "sort=orderId.ASC" in found(page([]), path=ORDERS)[1][0]


def test_a_period_keeps_its_slash_and_loses_its_plus():
    """An encoded slash breaks the filter, and a bare plus is a space."""
    since = Since(dt.datetime(2026, 2, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))))
    _, (target,) = found(page([]), filters={"updatedOn": since})
    assert "updatedOn=2026-02-01T10:00:00.000%2B00:00/&" in target


def test_other_filters_are_written_as_documented():
    """Ids ascend; a hash or a space in a reference must not end the query."""
    _, (target,) = found(page([]), filters={"orderId": {3, 1, 2}, "customerRef": "#10 01&x=1"})
    assert "orderId=1,2,3&customerRef=%2310%2001%26x%3D1&" in target
    assert "#10 01&x=1" in unquote(target)


@pytest.mark.parametrize(
    ("filters", "other"),
    [
        ({"orderId": 1}, row(2)),
        ({"orderId": [1, 3]}, row(2)),
        ({"customerRef": "#1001"}, row(2, "#2002")),
        ({"customerRef": "#1001"}, row(2, None)),
        ({"updatedOn": Since(dt.datetime(2026, 2, 4, tzinfo=dt.UTC))}, row(2)),
        ({"updatedOn": Since(dt.datetime(2026, 2, 4, tzinfo=dt.UTC))}, row(2, updated=None)),
        ({"updatedOn": Since(dt.datetime(2026, 2, 4, tzinfo=dt.UTC))}, row(2, updated="soon")),
    ],
)
def test_a_filter_that_is_passed_over_is_a_failed_read(filters, other):
    """Credits of other orders would be adopted, or a whole history read page by page."""
    with pytest.raises(ReadFailed, match="does not keep to that filter") as failed:
        found(page([other]), filters=filters)
    assert failed.value.permanent


@pytest.mark.parametrize("rows", [[], [row(1)]])
def test_a_filter_on_a_column_that_is_not_there_is_a_failed_read(rows):
    """Empty or not, the answer is to another question."""
    with pytest.raises(ReadFailed, match="has no column parentOrderId"):
        found(page(rows), filters={"parentOrderId": 1})


def test_a_search_for_text_may_find_more_than_the_text():
    """Some columns are searched by substring: #1001 also finds #10015, which is another order."""
    rows, _ = found(page([row(1, "#1001"), row(2, "#10015")]), filters={"customerRef": "#1001"})
    assert [each["orderId"] for each in rows] == [1]


def test_ids_may_come_as_text():
    """Number or text of digits is the same id."""
    assert len(found(page([["1", "#1001", None]]), filters={"orderId": 1})[0]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"response": []},
        {"response": {"results": []}},
        {"response": {"metaData": {"columns": []}}},
        {"response": {"results": [[1]], "metaData": {"columns": []}}},
        {"response": {"results": [7], "metaData": {"columns": [{"name": "orderId"}]}}},
        {"response": {"results": [], "metaData": {"columns": [{"name": None}]}}},
        {"response": {"results": [], "metaData": {"columns": []}}, "errors": [{"code": "CMNC-001"}]},
        {"errors": [{"code": "CMNC-001"}]},
        [],
    ],
)
def test_an_answer_of_another_shape_is_a_failed_read_and_not_an_empty_one(body):
    """'No credits found' would let a second one be raised."""
    with pytest.raises(ReadFailed):
        found(answers(200, body))


RECORDED = [
    exchange
    for path in samples.files("brightpearl")
    for exchange in samples.exchanges(path)
    if exchange.status == 200 and exchange.path.endswith("-search")
]


@pytest.mark.parametrize("exchange", RECORDED, ids=lambda exchange: exchange.path.rsplit("/")[-1])
def test_recorded_searches_are_read(exchange):
    """Blank and repeated SKUs, empty results, references beside the answer: as they were recorded."""
    with serving(answers(200, exchange.body)) as script:
        search = Search(transport_to(script.base_url, rules=RULES))
        rows = list(search.rows(exchange.path, {}))
    names = [column["name"] for column in exchange.body["response"]["metaData"]["columns"]]
    assert [list(each.values()) for each in rows] == exchange.body["response"]["results"]
    assert all(list(each) == names for each in rows)
    assert search.column_type(exchange.path, names[0]) == "IDSET"
