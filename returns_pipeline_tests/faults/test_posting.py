"""Posting a credit: asynchronous over there, safe to repeat, and only while what was planned still stands."""

import datetime as dt

import pytest

from returns_pipeline.effects.batches import Worker
from returns_pipeline.effects.clock import SystemClock
from returns_pipeline.storage import closes
from returns_pipeline_tests.faults.drills import credit_plan, posting_plan
from returns_pipeline_tests.storage.ledger import books

POST = "post:801"


@pytest.fixture
def ready(make_drill, account):
    """A credit raised, received and planned to be posted."""
    drill = make_drill(horizon=60, close_wait=2)
    drill.plan(credit_plan())
    drill.drain()
    books.received(drill.connection, 1)
    assert drill.plan(posting_plan(801)).planned == 1
    account.posts.clear()
    return drill


def let_the_horizon_pass(drill) -> None:
    drill.connection.execute("UPDATE effect SET sent_at = sent_at - interval '2 minutes' WHERE sent_at IS NOT NULL")


def test_a_credit_is_confirmed_only_when_it_has_its_invoice_reference(ready, account):
    """An accepted close may still fail in accounting."""
    account.reads_until_posted = 1
    report = ready.drain()
    assert (report.confirmed, report.unknown, ready.state(POST)) == (1, 0, "confirmed")
    assert [path for path, _ in account.posts] == ["/order-service/sales-credit/801/close"]


def test_a_posting_that_takes_longer_is_left_and_settled_later(ready, account):
    """A run must not wait for accounting for ever; nor may it be closed again meanwhile."""
    account.reads_until_posted = 1000
    assert ready.drain().unknown == 1
    assert ready.reason(POST) == "posting_pending"
    account.credits[801]["invoice"] = "SC-801"
    assert ready.settle().by_state["confirmed"] == 1
    assert len(account.posts) == 1


def test_f43_a_lost_close_is_read_back_and_closed_again_while_unposted(ready, account):
    """Closing is allowed again until the credit is invoiced; the credit itself is not raised again."""
    account.faults.append("drop before")
    assert ready.drain().unknown == 1
    ready.settle()
    assert ready.state(POST) == "unknown", "the call may still be under way"
    let_the_horizon_pass(ready)
    ready.settle()
    assert ready.state(POST) == "planned"
    assert ready.drain().confirmed == 1
    assert [path for path, _ in account.posts] == ["/order-service/sales-credit/801/close"] * 2
    assert len(account.credits) == 1


def test_f43_a_lost_answer_to_a_close_that_worked_is_found(ready, account):
    """The invoice reference tells, without another call."""
    account.faults.append("drop after")
    assert ready.drain().unknown == 1
    ready.settle()
    assert (ready.state(POST), len(account.posts)) == ("confirmed", 1)


def test_a_stuck_posting_is_closed_again_and_then_given_to_a_person(ready, account):
    """If accounting fails the credit stays pending for ever; five tries are enough to know."""
    account.reads_until_posted = 10**6
    for _ in range(6):
        ready.drain()
        let_the_horizon_pass(ready)
        ready.settle()
    assert (ready.state(POST), ready.reason(POST)) == ("halted", "no_progress")
    assert len(account.posts) == 5


def test_f50_a_locked_period_is_rejected_with_its_reason(ready, account):
    """Finance has to say which date; nothing is posted as a privileged user."""
    account.faults.append("refuse")
    assert ready.drain().rejected == 1
    assert "the tax code is not known" in str(books.effect_of(ready.connection, POST).reason)


def test_a_close_refused_because_somebody_was_faster_is_confirmed(ready, account):
    """Finance closed it by hand between our read and our call; that is no failure."""
    account.faults.append("refuse as closed by hand")
    assert ready.drain().confirmed == 1
    assert ready.state(POST) == "confirmed"


def test_f52_a_credit_that_was_posted_by_hand_before_our_call_is_adopted(ready, account):
    """Finance was faster: closing it again would only be refused, and the facts are what we meant."""
    account.credits[801]["invoice"] = "SC-BY-HAND"
    report = ready.drain()
    assert (report.confirmed, ready.state(POST), account.posts) == (1, "confirmed", [])


def test_f38_a_receipt_corrected_down_calls_the_posting_off(ready, account):
    """Fewer units are there than it would post: it is planned anew from the facts of the next pass."""
    books.received(ready.connection, 0)
    ready.drain()
    assert POST not in ready.states()
    assert account.posts == []
    assert books.figures(ready.connection)[:4] == (1, 1000, 200, 0)


@pytest.mark.parametrize(("month", "posted"), [(dt.date(2026, 1, 1), 1), (dt.date(2026, 2, 1), 0)])
def test_57_a_month_signed_after_planning_takes_no_posting_any_more(ready, account, month, posted):
    """The lock is read before each batch: what is dated into it is planned anew with an open day."""
    closes.keep(ready.connection, "uk", month, "abc", [], "run", dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    closes.sign(ready.connection, "uk", month, sha256="abc", signed_by="Ada", reason="done", explanations={})
    assert ready.drain().confirmed == posted
    assert len(account.posts) == posted
    assert (POST in ready.states()) == bool(posted)


def test_f40_a_foreign_credit_that_appeared_since_planning_halts_the_posting(ready, account):
    """Staff cloned the sale to a credit between our planning and our call: ours on top would refund twice."""
    stranger = {**credit_plan(2).payload["request"]["body"], "externalRef": "by hand"}
    account.add_credit(stranger)
    assert ready.drain().halted == 1
    assert (ready.reason(POST), account.posts) == ("foreign_credit", [])


def test_a_credit_that_staff_changed_is_not_posted(ready, account):
    """What would be posted is not what was proved and approved."""
    account.credits[801]["body"] = credit_plan(1, quantity=2).payload["request"]["body"]
    assert ready.drain().halted == 1
    assert (ready.reason(POST), account.posts) == ("credit_changed_by_staff", [])


def test_a_cancelled_credit_is_not_posted(ready, account):
    """Somebody called the return off in Brightpearl."""
    account.credits[801]["cancelled"] = True
    assert ready.drain().halted == 1
    assert (ready.reason(POST), account.posts) == ("credit_gone", [])


def test_what_cannot_be_read_back_is_not_posted(ready, account):
    """Unread is not unchanged: the posting waits for the next run."""
    account.is_unreadable = True
    report = ready.drain()
    assert (ready.state(POST), report.left_planned, account.posts) == ("planned", 1, [])
    assert "the service is off" in str(report.stopped_reason)


def test_a_credit_that_cannot_be_parsed_is_unread_and_not_gone(ready, account):
    """Ingest sets bad records aside; taken for a deleted credit, it would be halted for a reason that is not true."""
    ready.accounts.brightpearl.reject = lambda _: None
    account.credits[801]["body"]["currency"] = {"code": "?"}
    report = ready.drain()
    assert (ready.state(POST), account.posts) == ("planned", [])
    assert "sales credit 801" in str(report.stopped_reason)


def test_i21_an_unapproved_posting_is_never_sent(drill, account):
    """Review means that nothing leaves before a person has said so."""
    drill.plan(credit_plan(needs_approval=True))
    assert drill.drain().confirmed == 0
    assert account.posts == []


def test_a_whole_batch_of_postings_is_read_in_a_handful_of_calls(drill, account):
    """Calls are the currency: guards that read one credit at a time would halve the day."""
    drill.plan(*(credit_plan(part) for part in range(1, 41)))
    drill.drain()
    books.received(drill.connection, 40)
    drill.plan(*(posting_plan(800 + number, number, number) for number in range(1, 41)))
    account.gets.clear()
    assert drill.drain().confirmed == 40
    assert len(account.gets) <= 8


@pytest.mark.parametrize(
    ("per_minute", "claim_seconds", "batch_size"),
    [
        pytest.param(100_000, 60, 200, id="quick"),
        pytest.param(100, 122, 200, id="Brightpearl's own pace"),
        pytest.param(20, 300, 99, id="slow"),
        pytest.param(1, 300, 4, id="hardly any"),
    ],
)
def test_a_claim_holds_for_its_batch_at_the_accounts_pace(make_drill, per_minute, claim_seconds, batch_size):
    """Shorter, the rest would be given back and its guards read again; without bound, a dead worker would keep a slow account's credits for hours."""
    settings = make_drill(lease=60, deadline=2).settings
    quota = settings.quota.model_copy(update={"brightpearl_per_minute": per_minute, "brightpearl_share": 1.0})
    worker = Worker("run", None, settings.model_copy(update={"quota": quota}), SystemClock(), lambda: False, 0.0)
    assert (worker.claim_seconds, worker.batch_size) == (claim_seconds, batch_size)


def test_what_many_batches_sent_is_read_back_in_one_call(make_drill, account, monkeypatch):
    """A read for each batch, and a wait for accounting after each, would take the calls and the minutes of a backlog."""
    monkeypatch.setattr(Worker, "batch_size", 1)
    drill = make_drill(close_wait=2)
    drill.plan(*(credit_plan(part=part) for part in (1, 2, 3)))
    account.gets.clear()
    assert drill.drain().confirmed == 3
    assert [path for path in account.gets if "sales-credit/" in path] == ["/order-service/sales-credit/801,802,803"]
    books.received(drill.connection, 3)
    drill.plan(*(posting_plan(800 + part, part, receipt_line_id=part) for part in (1, 2, 3)))
    account.gets.clear()
    assert drill.drain().confirmed == 3
    assert account.gets.count("/order-service/order/801,802,803") == 1
