"""ReturnGo's lists and details over HTTP: every page, what is asked, and no list taken for whole that is not."""

import datetime as dt

import pytest

from returns_pipeline.clients.allow_list import RETURNGO_READS, writes_of
from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.clients.outcomes import NotAllowed, Outcome, ReadFailed
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline_tests.clients import samples
from returns_pipeline_tests.clients.server import Act, Script, answers, serving, transport_to

DETAIL = samples.OWN / "returngo" / "rma-approved-same-line-twice.json"
TRANSACTIONS = samples.OWN / "returngo" / "transactions-list.json"


def client_of(script: Script, *armed: str, **options) -> ReturnGoClient:
    return ReturnGoClient(transport_to(script.base_url, rules=(*RETURNGO_READS, *writes_of(armed))), **options)


def rows(*ids: int, status: str = "Approved", **more: object) -> Act:
    listed = [{"rmaId": str(rma_id), "status": status, "order_name": f"#{rma_id}", "events": []} for rma_id in ids]
    return answers(200, {"rmas": listed, **more})


@pytest.mark.parametrize("last", [{}, {"next_cursor": ""}, {"next_cursor": None}])
def test_pages_follow_the_cursor_until_there_is_none(last):
    """How the last page says so is not documented: absent, empty and null must all end it."""
    with serving(rows(9, 8, next_cursor="b/2="), rows(7, **last)) as script:
        listed = [row.rma_id for row in client_of(script).list_rmas(statuses=("Approved", "Received"))]
    assert listed == [9, 8, 7]
    assert script.targets == [
        "/rmas?pagesize=500&status=Approved%2CReceived",
        "/rmas?pagesize=500&status=Approved%2CReceived&cursor=b%2F2%3D",
    ]


def test_an_empty_page_ends_the_list_whatever_its_cursor_says():
    """Some APIs hand out a cursor for ever."""
    with serving(rows(9, next_cursor="a"), rows(next_cursor="b")) as script:
        assert len(list(client_of(script).list_rmas())) == 1
    assert len(script.seen) == 2


@pytest.mark.parametrize("second", [rows(8, next_cursor="a"), rows(9, next_cursor="b")])
def test_a_list_that_runs_in_a_circle_is_a_failed_read(second):
    """It would use up the day's calls, and what it gave is not the whole list."""
    with serving(rows(9, next_cursor="a"), second) as script, pytest.raises(ReadFailed, match="same page twice"):
        list(client_of(script).list_rmas())
    assert len(script.seen) == 2


def test_times_are_sent_in_utc():
    """The zone of the filter is not documented and answers use UTC: a local time would miss an hour of changes."""
    since = dt.datetime(2026, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    with serving(rows()) as script:
        list(client_of(script).list_rmas(updated_since=since, order_names=["#10+1"]))
    assert script.targets == ["/rmas?pagesize=500&order_name=%2310%2B1&rma_updated_at=gte%3A2026-07-01T11%3A00%3A00"]


def test_rows_of_other_statuses_than_asked_for_are_passed_over():
    """A filter that is ignored must not open closed returns again."""
    with serving(rows(9, status="Done")) as script:
        assert list(client_of(script).list_rmas(statuses=("Approved",))) == []


@pytest.mark.parametrize("body", [{}, {"rmas": None}, {"rmas": {}}, [], {"errors": ["no"]}])
def test_an_answer_without_the_list_is_a_failed_read_and_not_an_empty_list(body):
    """'Nothing is open' would close every return."""
    with serving(answers(200, body)) as script, pytest.raises(ReadFailed):
        list(client_of(script).list_rmas())


def test_a_row_that_cannot_be_used_is_told_and_the_others_go_on():
    """One new status must not hide five hundred returns."""
    with serving(
        answers(200, {"rmas": [{"rmaId": "9", "status": "Teleported"}, {"rmaId": "8", "status": "Approved"}]})
    ) as script:
        rejections: list[RecordRejected] = []
        assert [row.rma_id for row in client_of(script, reject=rejections.append).list_rmas()] == [8]
        with pytest.raises(RecordRejected):
            list(client_of(script).list_rmas())
    assert [rejection.subject for rejection in rejections] == ["rma 9"]


def test_a_detail_is_one_call_without_media():
    """Two thousand calls a day is the tightest limit of all; media are customers' photographs."""
    with serving(answers(200, samples.loaded(DETAIL) | {"createdAt": "2026-02-01T09:00:00+00:00"})) as script:
        detail = client_of(script).rma_detail(9800001)
    assert script.targets == ["/rma/9800001?includeMedia=false"]
    assert (detail.rma.rma_id, len(detail.items)) == (9800001, 2)


def test_the_detail_of_another_return_is_a_failed_read():
    """Stored under the wrong id, one customer's parcel would be credited to another."""
    with (
        serving(answers(200, samples.loaded(DETAIL))) as script,
        pytest.raises(ReadFailed, match="came back with RMA 9800001"),
    ):
        client_of(script).rma_detail(9800002)


def test_transactions_are_asked_by_time_or_by_returns_in_hundreds():
    """A transaction names no return: the answer is narrowed by what was asked."""
    with serving(answers(200, {"transactions": []})) as script:
        client = client_of(script)
        list(client.list_transactions(updated_since=dt.datetime(2026, 2, 1, tzinfo=dt.UTC)))
        list(client.list_transactions(rma_ids=range(1, 151)))
    first, second, third = script.targets
    assert first == "/transactions?pagesize=500&updated_at=gte%3A2026-02-01T00%3A00%3A00"
    assert second.count("%2C") == 99
    assert third.endswith("%2C149%2C150")


def test_transactions_are_parsed_and_bad_ones_told():
    """One transaction with an odd amount must not hide the others' refunds."""
    body = samples.loaded(TRANSACTIONS)
    body["transactions"][1]["amount"]["amount"] = "much"
    with serving(answers(200, body)) as script:
        rejections: list[RecordRejected] = []
        listed = list(client_of(script, reject=rejections.append).list_transactions())
    assert [entry.transaction_id for entry in listed] == [6070001, 6070005]
    assert [rejection.subject for rejection in rejections] == ["transaction 6070004"]


def test_a_receipt_is_confirmed_only_when_that_is_armed():
    """`PUT /shipment` can release a customer's refund."""
    request = {"method": "PUT", "path": "/shipment/6400001", "body": {"status": "Validated", "carrierName": None}}
    with serving(answers(200, {"shipmentId": "6400001", "status": "Validated"})) as script:
        with pytest.raises(NotAllowed):
            client_of(script).write(request)
        answer = client_of(script, "returngo.receive").write(request)
    assert (answer.outcome, answer.body["status"]) == (Outcome.CREATED, "Validated")
    assert [seen.json for seen in script.seen] == [request["body"]]
