"""Faults of the answer: what the account did and what we saw of it are two things."""

import time

import pytest

from returns_pipeline_tests.faults.drills import credit_plan
from returns_pipeline_tests.storage.ledger import books


def test_a_credit_is_raised_once_and_confirmed(drill, account):
    """The ordinary case: one call, one credit, read back and equal; a second drain makes no call at all."""
    drill.plan(credit_plan(), credit_plan(2))
    report = drill.drain()
    assert (report.confirmed, report.mismatched, report.left_planned, report.stopped_reason) == (2, 0, 0, None)
    assert [body["externalRef"] for _, body in account.posts] == ["rg-77-5001-1", "rg-77-5001-2"]
    reads = len(account.gets)
    assert drill.drain().confirmed == 0
    assert (len(account.posts), len(account.gets)) == (2, reads)


@pytest.mark.parametrize("fault", ["drop after", "500 after", "truncate", "html", "no id", "drip"])
def test_f12_f14_f15_f16_f24_an_applied_write_without_a_usable_answer_is_found(drill, account, fault):
    """Each of these looks like a failure and is a credit: resending it would double it."""
    account.faults.append(fault)
    drill.plan(credit_plan())
    started = time.monotonic()
    assert drill.drain().unknown == 1
    assert time.monotonic() - started < 8, "the total deadline of two seconds ends a call that drips for ever"
    assert drill.state() == "unknown"
    assert drill.settle().by_state["confirmed"] == 1
    assert len(account.posts) == len(account.credits) == 1
    assert books.effect_of(drill.connection, "raise:77:5001:1").remote_id == "801"


@pytest.mark.parametrize("fault", ["drop before", "500 before"])
def test_f13_f17_unproven_an_absent_credit_halts_for_a_person(drill, account, fault):
    """Without a key that works, only a person may decide that it did not happen."""
    account.faults.append(fault)
    drill.plan(credit_plan())
    drill.drain()
    account.add_credit({**credit_plan(9).payload["request"]["body"], "parentId": 1})
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    assert drill.settle().by_state["halted"] == 1
    assert (drill.state(), drill.reason(), len(account.posts)) == ("halted", "outcome_unknown", 1)


def test_f13_proven_an_absent_credit_is_sent_again_under_the_same_reference(make_drill, account):
    """With the key proven a resend is safe: at the end there is one credit."""
    drill = make_drill(dedupe="proven")
    account.dedupe = True
    account.faults.append("drop before")
    drill.plan(credit_plan())
    drill.drain()
    account.add_credit({**credit_plan(9).payload["request"]["body"], "parentId": 1})
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    drill.settle()
    assert drill.drain().confirmed == 1
    assert [body["externalRef"] for _, body in account.posts] == ["rg-77-5001-1"] * 2
    assert len(account.of_reference("rg-77-5001-1")) == 1


def test_f18_a_throttled_write_is_planned_again_and_costs_no_attempt(drill, account):
    """A 503 that says so was not carried out: it is neither failed nor unknown."""
    account.faults.append("throttle")
    drill.plan(credit_plan())
    report = drill.drain()
    effect = books.effect_of(drill.connection, "raise:77:5001:1")
    assert (report.confirmed, report.left_planned, effect.state, effect.attempt) == (0, 1, "planned", 0)
    drill.connection.execute("UPDATE effect SET not_before = now()")
    assert drill.drain().confirmed == 1
    assert len(account.credits) == 1


def test_f21_a_revoked_token_stops_the_account_and_loses_nothing(drill, account):
    """Each further call would be refused as well; after rotation the rest goes out."""
    account.faults.append("unauthorized")
    drill.plan(*(credit_plan(part) for part in (1, 2, 3)))
    report = drill.drain()
    assert "refused our credentials" in str(report.stopped_reason)
    assert set(drill.states().values()) == {"planned"}
    assert len(account.posts) == 1
    assert "refused our credentials" in str(drill.drain().stopped_reason), "it rests before it is probed"
    assert len(account.posts) == 1
    drill.connection.execute("UPDATE sink_stops SET probe_after = now()")
    assert drill.drain().confirmed == 3


def test_f22_a_refused_row_does_not_stop_the_others(drill, account):
    """One sale with a bad tax code among two hundred."""
    account.faults += ["", "refuse", ""]
    drill.plan(*(credit_plan(part) for part in (1, 2, 3)))
    report = drill.drain()
    assert (report.confirmed, report.rejected, report.stopped_reason) == (2, 1, None)
    assert "the tax code is not known" in str(books.effect_of(drill.connection, "raise:77:5001:2").reason)


def test_five_failures_in_a_row_stop_the_account(drill, account):
    """An account that is down would make every effect of the day unknown, each one a person's work."""
    account.faults += ["500 before"] * 20
    drill.plan(*(credit_plan(part) for part in range(1, 11)))
    report = drill.drain()
    assert len(account.posts) == 5
    assert "5 writes in a row failed" in str(report.stopped_reason)
    assert list(drill.states().values()).count("planned") == 5


def test_f45_ten_answers_lost_at_once_are_ten_unknowns_and_no_batch_is_sent_again(drill, account):
    """Each is looked up by itself; after five the account is left alone until it answers a read."""
    drill.plan(*(credit_plan(part) for part in range(1, 11)))
    account.faults += ["drop after"] * 10
    assert (drill.drain().unknown, drill.settle().by_state["confirmed"]) == (5, 5)
    drill.connection.execute("UPDATE sink_stops SET probe_after = now()")
    assert (drill.drain().unknown, drill.settle().by_state["confirmed"]) == (5, 5)
    assert sorted(body["externalRef"] for _, body in account.posts) == sorted(
        f"rg-77-5001-{part}" for part in range(1, 11)
    )


def test_f09_a_refused_connection_leaves_the_effect_planned(drill, server, account):
    """Nothing was sent, and that is certain: it rests and goes out later."""
    drill.plan(credit_plan())
    server.close()
    report = drill.drain()
    assert (report.unknown, report.left_planned) == (0, 1)
    assert drill.connection.execute("SELECT outcome FROM effect_attempt").fetchall() == [("not_sent",)]
    assert drill.connection.execute("SELECT not_before > now() FROM effect").fetchone() == (True,)


def test_f19_a_503_that_does_not_prove_a_throttle_is_unknown(drill, account):
    """Only the throttle's own words or headers prove that nothing was done."""
    account.faults.append("503 outage")
    drill.plan(credit_plan())
    assert drill.drain().unknown == 1


@pytest.mark.parametrize(("quantity", "state", "code"), [(1, "confirmed", "None"), (2, "halted", "payload_mismatch")])
def test_f23_a_reference_in_use_is_looked_up_before_it_is_judged(drill, account, quantity, state, code):
    """Refused because it stands there already: as ours, or as something else under our name."""
    account.faults.append("in use")
    account.add_credit(credit_plan(1, quantity).payload["request"]["body"])
    drill.plan(credit_plan())
    drill.drain()
    drill.settle()
    assert (drill.state(), drill.reason(), len(account.posts)) == (state, code, 1)


def test_f25_a_repeat_answered_with_a_credit_that_differs_halts(make_drill, account):
    """Under our reference stands a credit with other figures: taking it for ours would book them."""
    drill = make_drill(dedupe="proven")
    account.dedupe = True
    account.add_credit(credit_plan(1, quantity=2).payload["request"]["body"])
    drill.plan(credit_plan())
    assert drill.drain().halted == 1
    assert drill.reason() == "payload_mismatch"


def test_a_repeat_answered_with_an_equal_credit_is_ours(make_drill, account):
    """The first try was carried out after all, and its answer lost."""
    drill = make_drill(dedupe="proven")
    account.dedupe = True
    account.add_credit(credit_plan().payload["request"]["body"])
    drill.plan(credit_plan())
    report = drill.drain()
    assert (report.confirmed, report.unknown) == (1, 0)
    assert len(account.credits) == 1


def test_f26_a_credit_that_the_search_does_not_show_yet_is_not_sent_again(drill, account):
    """The index lags behind: an empty search alone proves nothing, not even after the horizon."""
    account.hidden_seconds = 3600
    account.faults.append("drop after")
    drill.plan(credit_plan())
    drill.drain()
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    drill.settle()
    assert drill.state() == "unknown", "nothing newer was seen, so silence means nothing"
    account.credits[801]["seen_from"] = 0
    drill.settle()
    assert (drill.state(), len(account.posts)) == ("confirmed", 1)


def test_f27_a_credit_that_appears_after_all_is_proposed_for_adoption(drill, account):
    """A person decides; until then there is one credit and no second one."""
    account.faults.append("drop after")
    account.hidden_seconds = 3600
    drill.plan(credit_plan())
    drill.drain()
    account.hidden_seconds = 0
    account.add_credit({**credit_plan(9).payload["request"]["body"], "parentId": 1})
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    drill.settle()
    assert drill.reason() == "outcome_unknown"
    account.credits[801]["seen_from"] = 0
    drill.settle()
    assert (drill.state(), drill.reason()) == ("halted", "adoption_proposed")


def test_f28_somebody_elses_credit_under_our_reference_halts(drill, account):
    """It looks like ours and has other rows."""
    account.faults.append("drop before")
    drill.plan(credit_plan())
    drill.drain()
    account.add_credit(credit_plan(1, quantity=3).payload["request"]["body"])
    drill.settle()
    assert (drill.state(), drill.reason()) == ("halted", "payload_mismatch")


def test_a_credit_that_was_made_and_cancelled_by_staff_meanwhile_is_for_a_person(make_drill, account):
    """The key answers with the cancelled credit each time: sending it again would go on for ever and make nothing."""
    drill = make_drill(dedupe="proven")
    account.dedupe = True
    account.faults.append("drop after")
    drill.plan(credit_plan())
    drill.drain()
    account.credits[801]["cancelled"] = True
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    drill.settle()
    assert (drill.state(), drill.reason(), len(account.posts)) == ("halted", "credit_gone", 1)


def test_f29_two_credits_under_one_reference_halt_and_none_is_deleted(drill, account):
    """A person has to see both before one goes."""
    account.faults.append("drop after")
    drill.plan(credit_plan())
    drill.drain()
    account.add_credit(credit_plan().payload["request"]["body"])
    drill.settle()
    assert (drill.state(), drill.reason(), len(account.credits)) == ("halted", "duplicate_remote", 2)


def test_what_came_out_other_than_sent_is_told_on_the_effect(drill, account):
    """I11: Brightpearl may recompute a tax: the confirmed credit then is not what was proved."""
    drill.plan(credit_plan())
    account.add_credit = lambda body: type(account).add_credit(
        account, {**body, "rows": [{**body["rows"][0], "tax": "2.01"}]}
    )
    assert drill.drain().mismatched == 1
    assert (drill.state(), drill.reason()) == ("confirmed", "payload_mismatch")
