"""What a webhook's body names, and that no body breaks the reader."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returns_pipeline.webhooks.messages import MOST_IDS, UNREADABLE, Hint, from_brightpearl, from_returngo


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ("7", [7]),
        (7, [7]),
        ("1-3,99,202", [1, 2, 3, 99, 202]),
        ("5-5", [5]),
        (f"1-{MOST_IDS}", list(range(1, MOST_IDS + 1))),
    ],
)
def test_the_ids_of_brightpearl_may_be_a_set_with_ranges(ids, expected):
    found = from_brightpearl(body(event="goods-in-note.created", ids=ids))
    assert found == [Hint("goods_in", each) for each in expected]


@pytest.mark.parametrize(
    "ids",
    ["", "0", "-1", "9-1", "1-99999999", f"1-{MOST_IDS},900-901", "1;DROP", "1,,2", "٣", "99999999999999999999", None, True, 1.5, ["7"]],
)  # fmt: skip
def test_a_set_that_is_malformed_or_too_large_names_nothing(ids):
    assert from_brightpearl(body(event="order.modified", ids=ids)) == [UNREADABLE]


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ("goods-in-note.created", "goods_in"),
        ("order.modified", "order"),
        ("order.modified.order-status", "order"),
        ("sales-order.created", "order"),
    ],
)
def test_the_event_of_brightpearl_says_whose_ids_they_are(event, subject):
    assert from_brightpearl(body(event=event, ids="7")) == [Hint(subject, 7)]


@pytest.mark.parametrize("event", ["product.modified", "goods-out-note.created", "", None, 3])
def test_other_events_of_brightpearl_name_nothing(event):
    assert from_brightpearl(body(event=event, ids="7")) == [UNREADABLE]


@pytest.mark.parametrize(
    "message",
    [
        {"eventName": "RMA_STATUS_UPDATED", "rmaId": 9},
        {"eventName": "RMA_STATUS_UPDATED", "data": {"rmaId": "9"}},
        {"eventName": "RMA_STATUS_UPDATED", "id": 9},
        {"eventName": "RMA_CREATED", "data": {"id": 9, "status": "Pending"}},
        {"eventName": "TRANSACTION_CREATED", "data": {"id": 5, "rma_id": 9}},
        {"eventName": "REFUND_CREATED", "refund": {"rma": {"id": 9}}},
        {"rma": {"id": 9}},
    ],
)
def test_a_return_is_found_where_messages_of_returngo_may_carry_it(message):
    assert from_returngo(body(**message)) == [Hint("rma", 9)]


@pytest.mark.parametrize(
    "message",
    [
        {"eventName": "TRANSACTION_CREATED", "data": {"id": 5}},
        {"eventName": "RMA_CREATED", "a": {"b": {"c": {"rmaId": 9}}}},
        {"eventName": "RMA_CREATED", "rmaId": -9},
        {},
    ],
)
def test_an_id_of_something_else_is_no_return(message):
    assert from_returngo(body(**message)) == [UNREADABLE]


@pytest.mark.parametrize("read", [from_brightpearl, from_returngo])
@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"\xff\xfe", b"{" * 500, b'{"ids": 1, "ids": 2}', b"[" * 60_000])
def test_what_is_no_object_names_nothing(read, content):
    assert read(content) == [UNREADABLE]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["event", "eventName", "ids", "id", "rmaId", "rma", "data"]), inner)))  # fmt: skip
def test_any_json_is_read_or_named_unreadable(value):
    content = json.dumps(value).encode()
    for read in (from_brightpearl, from_returngo):
        found = read(content)
        assert found
        assert len(found) <= MOST_IDS
        assert all(hint == UNREADABLE or 0 < hint.subject_id < 2**63 for hint in found)
