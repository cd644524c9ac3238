"""Plans become effects once, take what they hold, and give way to newer facts only while nothing was sent."""

import dataclasses

import psycopg
import pytest

from returns_pipeline.storage import database, ledger
from returns_pipeline.storage.ledger import acts
from returns_pipeline_tests.storage.ledger import books


@pytest.fixture
def open_books(connection):
    books.open_gates(connection)
    books.balance(connection)
    return connection


def test_one_refused_plan_does_not_stop_the_others(open_books):
    """Scenario 22: one bad row in a batch of two hundred must leave the rest alone."""
    plans = [books.raise_plan(), books.raise_plan(part=2, quantity=9, net=2000, tax=400), books.raise_plan(part=3)]
    report = ledger.plan(open_books, plans, "t")
    assert (report.planned, [key for key, _ in report.refused]) == (2, ["raise:77:5001:2"])
    assert books.figures(open_books)[:3] == (2, 2000, 400)


def test_dozens_of_plans_are_one_commit_and_a_refused_one_takes_none_with_it(connection):
    """Each commit waits for the disk: a backlog of thousands would be planned for minutes before anything is sent."""
    books.open_gates(connection)
    books.balance(connection, quantity=60, net=60_000, tax=12_000)
    plans = [books.raise_plan(part=part, quantity=61 if part == 30 else 1) for part in range(1, 62)]
    before = transactions(connection)
    report = ledger.plan(connection, plans, "t")
    assert (report.planned, [key for key, _ in report.refused]) == (60, ["raise:77:5001:30"])
    assert transactions(connection) - before == 2


def test_where_another_writer_holds_a_row_the_plans_before_it_are_planned_all_the_same(open_books):
    """Planned together, all would wait for one, and two writers could wait for each other."""
    books.balance(open_books, row_id=9002, order_id=5002)
    open_books.execute("SET lock_timeout = '50ms'")
    plans = [books.raise_plan(), books.raise_plan(part=2, row_id=9002), books.raise_plan(part=3)]
    with database.connect() as other, other.transaction():
        other.execute("SELECT FROM order_row_balance WHERE order_row_id = 9002 FOR UPDATE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            ledger.plan(open_books, plans, "t")
    assert books.effect_of(open_books, "raise:77:5001:1").state == "planned"
    report = ledger.plan(open_books, plans, "t")
    assert (report.already, report.planned) == (1, 2)


def transactions(connection) -> int:
    """How many transactions have moved anything."""
    ((count,),) = connection.execute("SELECT count(*) FROM moves").fetchall()
    return count


def test_planning_the_same_again_changes_nothing_at_all(open_books):
    """I15: a pass every ten minutes would else fill the audit with noise and move balances twice."""
    plans = [books.raise_plan(), books.raise_plan(part=2, needs_approval=True)]
    ledger.plan(open_books, plans, "t")
    before = books.snapshot(open_books)
    assert ledger.plan(open_books, plans, "t").already == 2
    assert books.snapshot(open_books) == before


def test_an_unsent_plan_gives_way_to_newer_facts(open_books):
    """F38: the receipt was corrected before anything was sent; the old figures must not go out."""
    ledger.plan(open_books, [books.raise_plan(quantity=2, net=2000, tax=400)], "t")
    report = ledger.plan(open_books, [books.raise_plan(quantity=1)], "t")
    assert (report.superseded, report.planned) == (1, 1)
    assert books.figures(open_books)[:3] == (1, 1000, 200)
    assert books.effect_of(open_books, "raise:77:5001:1").payload["request"]["body"]["quantity"] == 1


def test_a_new_tax_date_alone_does_not_undo_an_approval(open_books):
    """The date moves every midnight: finance would approve the same credits again each morning."""
    approved = books.raise_plan(needs_approval=True)
    ledger.plan(open_books, [approved], "t")
    (batch,) = ledger.waiting(open_books)
    ledger.approve(open_books, batch.effect_ids, "Finance", batch.sha256_hex)
    later = {**approved.payload, "request": {**approved.payload["request"], "body": {"taxDate": "2026-02-03"}}}
    assert ledger.plan(open_books, [dataclasses.replace(approved, payload=later)], "t").already == 1
    other = {**approved.payload, "expect": {"currency": "GBP", "rows": [{"net_minor": 999, "tax_minor": 200}]}}
    assert ledger.plan(open_books, [dataclasses.replace(approved, payload=other)], "t").superseded == 1


def test_what_may_have_been_carried_out_is_never_superseded(open_books):
    """Its credit may stand in Brightpearl under this reference with the old figures."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    effect = books.sending(open_books, "credit.raise")
    open_books.execute("UPDATE effect SET state = 'unknown' WHERE effect_id = %s", [effect.effect_id])
    assert ledger.plan(open_books, [books.raise_plan(quantity=2, net=2000, tax=400)], "t").already == 1


def test_posting_moves_from_announced_to_posted_and_its_void_moves_back(open_books):
    """A credit still stands in Brightpearl when its posting is called off: its units are not free."""
    ledger.plan(open_books, [books.raise_plan(quantity=2, net=2000, tax=400)], "t")
    books.confirm(open_books, "credit.raise", "801")
    books.received(open_books, 2)
    ledger.plan(open_books, [books.post_plan(quantity=2, net=2000, tax=400)], "t")
    assert books.figures(open_books) == (0, 0, 0, 2, 2000, 400)
    acts.void(open_books, books.effect_of(open_books, "post:801").effect_id, "t", "receipt corrected")
    assert books.figures(open_books) == (2, 2000, 400, 0, 0, 0)
    assert ledger.plan(open_books, [books.post_plan(quantity=2, net=2000, tax=400)], "t").planned == 1


def test_an_amendment_gives_back_when_confirmed_and_not_before(open_books):
    """Giving back at planning would let another return take units that Brightpearl still holds on the credit."""
    ledger.plan(open_books, [books.raise_plan(quantity=2, net=2000, tax=400)], "t")
    books.confirm(open_books, "credit.raise", "801")
    ledger.plan(open_books, [books.giving_back("credit.amend", "amend:801:1:1", 801, 1, 1000, 200)], "t")
    assert books.figures(open_books)[0] == 2
    books.confirm(open_books, "credit.amend", "801")
    assert books.figures(open_books)[:3] == (1, 1000, 200)


def test_a_cancelled_credit_frees_its_units_and_its_lines(open_books):
    """Scenario 70: cancelled as never sent, then it comes after all: raised again under the next part."""
    ledger.plan(open_books, [books.raise_plan(quantity=3, net=3000, tax=600)], "t")
    books.confirm(open_books, "credit.raise", "801")
    ledger.plan(open_books, [books.giving_back("credit.cancel", "cancel:801", 801, 3, 3000, 600)], "t")
    books.confirm(open_books, "credit.cancel", "801")
    assert books.figures(open_books)[:3] == (0, 0, 0)
    assert ledger.read_lines(open_books, "all")["released"].tolist() == [True]
    assert ledger.plan(open_books, [books.raise_plan(part=2, quantity=3, net=3000, tax=600)], "t").planned == 1


def test_an_adopted_credit_is_confirmed_without_any_call(open_books):
    """Scenario 67: ReturnGo's own link raised it already; a second one would be a double."""
    report = ledger.plan(open_books, [books.raise_plan(payload={"adopt_remote_id": "900"})], "t")
    assert (report.planned, report.adopted) == (1, 1)
    effect = books.effect_of(open_books, "raise:77:5001:1")
    assert (effect.state, effect.remote_id, effect.attempt) == ("confirmed", "900", 0)
    assert books.figures(open_books)[:3] == (1, 1000, 200)


def test_what_depends_on_something_unplanned_is_refused(open_books):
    """Else it would wait for ever, and nobody would know for what."""
    ((key, reason),) = ledger.plan(open_books, [books.raise_plan(depends_on_key="cancel:1")], "t").refused
    assert "cancel:1" in reason
    assert key == "raise:77:5001:1"


def test_a_voided_reference_that_was_sent_is_never_used_again(open_books):
    """Something may still stand under it in Brightpearl."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    effect = books.sending(open_books, "credit.raise")
    open_books.execute("UPDATE effect SET state = 'unknown' WHERE effect_id = %s", [effect.effect_id])
    open_books.execute(
        "UPDATE effect SET state = 'halted', reason = 'outcome_unknown: x' WHERE effect_id = %s", [effect.effect_id]
    )
    acts.void(open_books, effect.effect_id, "Operator", "looked, it is not there")
    assert ledger.plan(open_books, [books.raise_plan()], "t").refused
    assert ledger.plan(open_books, [books.raise_plan(part=2)], "t").planned == 1


def test_a_float_in_a_payload_is_a_bug_and_says_where(open_books):
    """Money as a float once rounded is money lost."""
    with pytest.raises(ValueError, match=r"payload\.expect\.net is the float"):
        ledger.plan(open_books, [books.raise_plan(payload={"expect": {"net": 10.5}})], "t")


def test_shadow_plans_move_no_balance_and_follow_the_facts(open_books):
    """I22: a shadowed kind is shown, recomputed each pass, and never becomes an effect."""
    first = [books.raise_plan(), books.raise_plan(part=2)]
    assert ledger.replace_shadow_plans(open_books, books.SHOP, ["credit.raise"], first, "pass-1") == 2
    before = books.snapshot(open_books)
    assert ledger.replace_shadow_plans(open_books, books.SHOP, ["credit.raise"], first, "pass-2") == 0
    assert books.snapshot(open_books) == before
    assert ledger.replace_shadow_plans(open_books, books.SHOP, ["credit.raise"], first[:1], "pass-3") == 1
    assert books.figures(open_books) == (0, 0, 0, 0, 0, 0)
    assert open_books.execute("SELECT count(*) FROM effect").fetchone() == (0,)


def test_the_frames_keep_their_types_when_they_are_empty(open_books):
    """A first run on an empty ledger must not fail on a merge of object columns."""
    effects, lines = ledger.read_effects(open_books, "open"), ledger.read_lines(open_books, "open")
    assert len(effects) == len(lines) == 0
    assert str(lines["order_row_id"].dtype) == "int64"
    assert str(effects["sent_at"].dtype) == "datetime64[us, UTC]"
    assert ledger.read_balances(open_books, [books.ORDER_ID])["ordered_qty"].tolist() == [3]


def test_a_payload_that_was_written_anew_is_read_anew(open_books):
    """Payloads are kept from read to read; one that changed under them would be judged by what it no longer says."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    assert "note" not in ledger.read_effects(open_books)["payload"][0]
    open_books.execute('UPDATE effect SET payload = payload || \'{"note": "new"}\'')
    assert ledger.read_effects(open_books)["payload"][0]["note"] == "new"
