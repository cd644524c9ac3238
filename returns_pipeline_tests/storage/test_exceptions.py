"""Exceptions open, close by evidence, open again under the same id, and keep their history."""

import datetime as dt
from dataclasses import dataclass

import pytest

from returns_pipeline.domain.findings import Finding
from returns_pipeline.settings import load_settings
from returns_pipeline.storage import exceptions, frames
from returns_pipeline.storage.ledger import audit

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)  # a Monday


def finding(**changes) -> Finding:
    given = {
        "code": "sku_unknown",
        "subject_type": "return_line",
        "subject_id": "1-x11-0",
        "shop": "uk",
        "cause": "no product has this SKU",
        "rma_id": 1,
        "money_minor": 1999,
        "currency": "GBP",
        "expected": "a SKU of the sale",
        "found": "A-1",
    }
    return Finding(**(given | changes))


@dataclass(frozen=True)
class Kind:
    """An entry of the catalogue as far as storage reads it."""

    owner: str = "product_data"
    severity: str = "error"
    sla_hours: str | float | None = 4


CATALOGUE = {"sku_unknown": Kind(), "over_receipt": Kind(owner="warehouse", sla_hours="refund_deadline_days")}
SETTINGS = load_settings({})


@pytest.fixture
def look(connection):
    """Observes findings of one stage and shop at a moment, by default having judged everything."""

    def observe(*findings, judged=None, minutes=0, stage="match:lines", shop="uk"):
        now = NOON + dt.timedelta(minutes=minutes)
        return exceptions.observe(
            connection, stage, shop, findings, judged, now, catalogue=CATALOGUE, settings=SETTINGS
        )

    return observe


def states(connection):
    return connection.execute("SELECT exception_id, state, times_reopened FROM exceptions ORDER BY 1").fetchall()


def turns(connection, exception_id):
    return [turn.what for turn in exceptions.history(connection, exception_id)]


def test_it_opens_with_owner_due_time_and_evidence(connection, look):
    """Without an owner and a due time it is a log line."""
    assert look(finding()) == exceptions.Observed(opened=1)
    (row,) = frames.read(connection, "returns/exceptions").to_dict("records")
    assert (row["owner"], row["severity"], row["money_minor"], row["found"]) == ("product_data", "error", 1999, "A-1")
    assert row["first_seen_at"] == NOON
    assert row["due_at"] == NOON + dt.timedelta(hours=4)
    assert turns(connection, row["exception_id"]) == ["opened"]


def test_seen_again_it_is_the_same_one(connection, look):
    """A new record each pass would bury the people who read them."""
    look(finding())
    assert look(finding(), minutes=10) == exceptions.Observed(still_open=1)
    assert connection.execute("SELECT first_seen_at, last_seen_at FROM exceptions").fetchall() == [
        (NOON, NOON + dt.timedelta(minutes=10))
    ]
    assert turns(connection, 1) == ["opened"]


def test_new_evidence_is_a_turn_of_its_own(connection, look):
    """Who accepted what, and at which amount, must be told apart later."""
    look(finding())
    assert look(finding(found="A-2", money_minor=2000)).still_open == 1
    assert turns(connection, 1) == ["opened", "changed"]
    assert [turn.found for turn in exceptions.history(connection, 1)] == ["A-1", "A-2"]


def test_what_heals_closes_itself_with_evidence_and_opens_again_under_the_same_id(connection, look):
    """People follow a case by its number."""
    look(finding())
    assert look() == exceptions.Observed(resolved=1)
    assert connection.execute("SELECT state, closed_by, closed_at FROM exceptions").fetchall() == [
        ("resolved", "facts", NOON)
    ]
    assert exceptions.history(connection, 1)[-1].note == "match:lines looked and no longer found it"
    assert look(finding(), minutes=600) == exceptions.Observed(reopened=1)
    assert states(connection) == [(1, "open", 1)]
    assert connection.execute("SELECT closed_at, due_at FROM exceptions").fetchone() == (
        None,
        dt.datetime(2026, 3, 3, 13, tzinfo=dt.UTC),
    )
    assert turns(connection, 1) == ["opened", "resolved", "reopened"]


@pytest.mark.parametrize(
    ("judged", "state"),
    [
        (set(), "open"),
        ({("return_line", "2-x2-0")}, "open"),
        ({("rma", "2")}, "open"),
        ({("return_line", "1-x11-0")}, "resolved"),
        ({("rma", "1")}, "resolved"),
        (None, "resolved"),
    ],
)
def test_only_what_was_looked_at_heals(connection, look, judged, state):
    """A pass over one return must not close the cases of all others."""
    look(finding())
    look(judged=judged)
    assert states(connection)[0][1] == state


def test_another_stage_or_shop_closes_nothing_of_mine(connection, look):
    """Each finder knows only its own rules and its own rows."""
    look(finding())
    look(stage="match:receipts")
    look(shop="de")
    assert states(connection) == [(1, "open", 0)]


def test_two_shops_may_have_the_same_subject(connection, look):
    """One SKU unknown in two shops is two people's work; one shop's mending must not close the other's."""
    look(finding(subject_type="sku", subject_id="A-1"))
    look(finding(subject_type="sku", subject_id="A-1", shop="de"), shop="de")
    look()
    assert connection.execute("SELECT shop, state FROM exceptions ORDER BY shop").fetchall() == [
        ("de", "open"),
        ("uk", "resolved"),
    ]


def test_one_subject_found_twice_in_one_look_is_one_case(connection, look):
    """Two units of one line have one cause."""
    assert look(finding(), finding()).opened == 1
    assert look(finding(), finding()).still_open == 1


def test_a_waived_one_stays_waived_until_its_evidence_changes(connection, look):
    """Accepting a penny is not accepting a pound."""
    look(finding())
    exceptions.waive(connection, 1, actor="pat", note="goodwill")
    assert look(finding()) == exceptions.Observed()
    assert look() == exceptions.Observed()
    assert states(connection) == [(1, "waived", 0)]
    assert look(finding(money_minor=2500)) == exceptions.Observed(reopened=1)


def test_resolved_by_hand_it_opens_again_if_the_facts_did_not_heal(connection, look):
    """A wish is not a mend."""
    look(finding())
    exceptions.resolve(connection, 1, actor="pat", note="mapped the SKU")
    assert look(finding()) == exceptions.Observed(reopened=1)


def test_an_acknowledged_one_is_still_open(connection, look):
    """Somebody being on it does not mend it."""
    look(finding())
    exceptions.acknowledge(connection, 1, actor="pat")
    assert look(finding()) == exceptions.Observed(still_open=1)
    assert states(connection) == [(1, "acknowledged", 0)]
    assert look().resolved == 1


def test_what_people_do_is_audited_and_nothing_else_is_possible(connection, look):
    """An auditor asks who closed it; a second closing would overwrite the answer."""
    look(finding())
    exceptions.acknowledge(connection, 1, actor="pat", os_user="pat.desk")
    exceptions.resolve(connection, 1, actor="sam", note="mended")
    with pytest.raises(exceptions.NoSuchException, match="cannot become waived"):
        exceptions.waive(connection, 1, actor="pat", note="again")
    with pytest.raises(exceptions.NoSuchException):
        exceptions.acknowledge(connection, 99, actor="pat")
    assert connection.execute("SELECT what, detail->>'by' FROM audit ORDER BY seq").fetchall() == [
        ("exception acknowledged", "pat"),
        ("exception resolved", "sam"),
    ]
    assert audit.verify(connection) is None
    assert turns(connection, 1) == ["opened", "acknowledged", "resolved"]


def test_working_hours_stop_at_closing_time_and_days_do_not(connection, look):
    """A case found on Friday evening is not late on Saturday; a deadline of the law is not stopped by a weekend."""
    friday_five = dt.datetime(2026, 3, 6, 17, tzinfo=dt.UTC)
    findings = [finding(), finding(code="over_receipt")]
    exceptions.observe(
        connection, "match:lines", "uk", findings, None, friday_five, catalogue=CATALOGUE, settings=SETTINGS
    )
    due = dict(connection.execute("SELECT code, due_at FROM exceptions").fetchall())
    assert due["sku_unknown"] == dt.datetime(2026, 3, 9, 12, 30, tzinfo=dt.UTC)
    assert due["over_receipt"] == friday_five + dt.timedelta(days=14)
