"""Claims: never twice, never unapproved, back only while nothing was sent."""

import datetime as dt
import threading

import psycopg
import pytest

from returns_pipeline.storage import database, ledger
from returns_pipeline.storage.ledger import claiming
from returns_pipeline_tests.storage.ledger import books


@pytest.fixture
def open_books(connection):
    books.open_gates(connection)
    books.balance(connection, quantity=1000, net=1_000_000, tax=200_000)
    return connection


def test_a_kind_is_at_rest_unless_something_waits_to_be_sent_or_is_under_way(open_books):
    """A writer at rest may tell its last report; what waits for a person must not make it judge in every pass, a send must."""
    raising, posting = ["credit.raise"], ["credit.post"]

    def at_rest() -> bool:
        return ledger.is_at_rest(open_books, raising)

    assert at_rest()
    ledger.plan(open_books, [books.raise_plan(needs_approval=True)], "t")
    assert at_rest()
    (batch,) = ledger.waiting(open_books)
    ledger.approve(open_books, batch.effect_ids, "Finance", batch.sha256_hex)
    assert (at_rest(), ledger.is_at_rest(open_books, posting)) == (False, True)
    books.sending(open_books, "credit.raise")
    assert not at_rest()
    open_books.execute("UPDATE effect SET state = 'unknown'")
    assert at_rest()


def claimed_by_many(url: str, workers: int) -> list[int]:
    taken: list[int] = []

    def work(name: str) -> None:
        with database.connect(url) as connection:
            while batch := claiming.claim(connection, "credit.raise", [books.SHOP], name, 120, 3):
                taken.extend(effect.effect_id for effect in batch)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def test_f31_four_claimers_never_take_the_same_effect(open_books, database_url):
    """Two runners started together would send each credit twice."""
    ledger.plan(open_books, [books.raise_plan(part=part) for part in range(1, 101)], "t")
    ledger.plan(open_books, [books.raise_plan(part=part, needs_approval=True) for part in range(101, 121)], "t")
    taken = claimed_by_many(database_url, 4)
    assert len(taken) == len(set(taken)) == 100
    assert open_books.execute("SELECT count(*) FROM audit WHERE what = 'claimed'").fetchone() == (100,)
    assert ledger.verify(open_books) is None


def test_what_depends_on_another_waits_until_that_is_confirmed(open_books):
    """A credit posted before its amendment went through would be posted at the wrong quantity."""
    ledger.plan(open_books, [books.raise_plan(), books.raise_plan(part=2, depends_on_key="raise:77:5001:1")], "t")
    assert len(claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10)) == 1
    open_books.execute("UPDATE effect SET state = 'planned' WHERE state = 'claimed'")
    books.confirm(open_books, "credit.raise", "801")
    assert [
        effect.business_key for effect in claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10)
    ] == ["raise:77:5001:2"]


def test_what_has_waited_longest_is_taken_first(open_books):
    """In a backlog of hours the first parcel in would be paid last, if its credit came out of review last."""
    came = dt.datetime(2026, 2, 2, 8, tzinfo=dt.UTC)
    waits = {1: came + dt.timedelta(hours=2), 2: None, 3: came, 4: came + dt.timedelta(hours=1)}
    ledger.plan(open_books, [books.raise_plan(part=part, waiting_since=since) for part, since in waits.items()], "t")
    taken = [claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 2) for _ in range(2)]
    assert [[effect.business_key for effect in batch] for batch in taken] == [
        ["raise:77:5001:3", "raise:77:5001:4"],
        ["raise:77:5001:1", "raise:77:5001:2"],
    ]


def test_another_shops_effects_are_left_alone(open_books):
    """One shop's gate or switch says nothing about another's."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    assert claiming.claim(open_books, "credit.raise", ["eu"], "w", 120, 10) == []


def test_f03_a_claim_that_ran_out_is_planned_again_and_costs_no_attempt(open_books):
    """Nothing was sent: the next worker takes it as if nothing had been."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    (effect,) = claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10)
    assert claiming.expire_leases(open_books) == claiming.Expired(0, 0)
    open_books.execute("UPDATE effect SET lease_until = now() - interval '1 s'")
    assert claiming.expire_leases(open_books) == claiming.Expired(1, 0)
    after = ledger.read_one(open_books, effect.effect_id)
    assert (after.state, after.attempt) == ("planned", 0)


def test_a_worker_whose_lease_ran_out_may_not_send(open_books):
    """It slept; somebody else may have taken the effect meanwhile."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    (effect,) = claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10)
    open_books.execute("UPDATE effect SET lease_until = now() - interval '1 s'")
    assert claiming.mark_sending(open_books, effect, 120) is None
    claiming.expire_leases(open_books)
    assert claiming.mark_sending(open_books, effect, 120) is None


def test_sending_is_committed_before_anything_leaves(open_books, database_url):
    """I18: the audit row of a write stands before the write, whoever dies next."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    effect = books.sending(open_books, "credit.raise")
    with database.connect(database_url) as other:
        assert other.execute("SELECT state::text, attempt FROM effect").fetchone() == ("sending", 1)
        assert other.execute(
            "SELECT count(*) FROM audit WHERE what = 'sending' AND effect_id = %s", [effect.effect_id]
        ).fetchone() == (1,)


def test_sending_inside_an_open_transaction_is_a_bug(open_books):
    """Its commit would be none, and a rollback would forget a credit that was sent."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    (effect,) = claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10)
    with pytest.raises(RuntimeError, match="transaction is open"), open_books.transaction():
        claiming.mark_sending(open_books, effect, 120)


def test_a_batch_is_approved_by_its_hash(open_books):
    """What finance saw is what goes out: a change between looking and approving must be seen."""
    ledger.plan(open_books, [books.raise_plan(part=part, needs_approval=True) for part in (1, 2)], "t")
    (seen,) = ledger.waiting(open_books)
    assert (seen.currency, seen.net_minor, seen.tax_minor, len(seen.effect_ids)) == ("GBP", 2000, 400, 2)
    ledger.plan(open_books, [books.raise_plan(part=2, needs_approval=True, quantity=2, net=2000, tax=400)], "t")
    with pytest.raises(ledger.ApprovalRefused):
        ledger.approve(open_books, seen.effect_ids, "Finance", seen.sha256_hex)
    (now,) = ledger.waiting(open_books)
    with pytest.raises(ledger.ApprovalRefused, match="has changed"):
        ledger.approve(open_books, now.effect_ids, "Finance", seen.sha256_hex)
    assert claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10) == []
    ledger.approve(open_books, now.effect_ids, "Finance", now.sha256_hex)
    assert ledger.waiting(open_books) == []
    assert len(claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10)) == 2


def test_a_batch_shows_what_is_written_with_fees_taken_off(open_books):
    """Finance approves the credit as it will stand in the books, not the share of the order rows alone."""
    rows = [{"net_minor": 1000, "tax_minor": 200}, {"net_minor": -246, "tax_minor": -49}]
    plan = books.raise_plan(needs_approval=True, payload={"expect": {"currency": "GBP", "rows": rows}})
    ledger.plan(open_books, [plan], "t")
    (seen,) = ledger.waiting(open_books)
    assert (seen.net_minor, seen.tax_minor) == (754, 151)
    assert open_books.execute("SELECT net_minor, tax_minor FROM effects").fetchall() == [(754, 151)]


def test_the_database_itself_refuses_the_claim_of_an_unapproved_effect(open_books):
    """I21: not even another program may send what nobody approved."""
    ledger.plan(open_books, [books.raise_plan(needs_approval=True)], "t")
    with pytest.raises(psycopg.errors.CheckViolation):
        open_books.execute("UPDATE effect SET state = 'claimed', claimed_by = 'x', lease_until = now()")
