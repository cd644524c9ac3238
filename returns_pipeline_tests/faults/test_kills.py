"""kill -9 at every edge of a write, with real processes, a real Postgres and a real HTTP server."""

import json
import os
import signal
import subprocess
import sys

import pytest

from returns_pipeline.storage import ledger
from returns_pipeline.storage.ledger import audit
from returns_pipeline_tests.faults.drills import credit_plan
from returns_pipeline_tests.faults.test_database import DIE_AT_COMMIT
from returns_pipeline_tests.storage.ledger import books

KILLED = -signal.SIGKILL
PLAN_AND_DIE = """
import os, signal
from returns_pipeline.storage import database, ledger
from returns_pipeline_tests.faults.drills import credit_plan
from returns_pipeline_tests.faults.test_database import DIE_AT_COMMIT
with database.connect() as connection, connection.transaction():
    assert ledger.plan(connection, [credit_plan()], "drill").planned == 1
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def planned(drill):
    drill.plan(credit_plan())
    return drill


def killed_at(drill, failpoint: str) -> None:
    process = drill.process(failpoint)
    _, error = process.communicate(timeout=60)
    assert process.returncode == KILLED, error


def killed_during_the_call(drill, account, fault: str) -> None:
    """The worker dies while the account holds its request: before it is applied, or after."""
    account.faults.append(fault)
    process = drill.process()
    assert account.arrived.wait(30)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    account.go_on.set()


def test_f01_kill_before_planning_is_committed_leaves_nothing(drill, account):
    """The next run plans the same effect under the same reference."""
    drill.plan()
    before = books.snapshot(drill.connection)
    assert subprocess.run([sys.executable, "-c", PLAN_AND_DIE], check=False).returncode == KILLED
    assert books.snapshot(drill.connection) == before
    assert drill.plan(credit_plan()).planned == 1
    assert drill.drain().confirmed == 1
    assert account.posts[0][1]["externalRef"] == "rg-77-5001-1"


def test_f02_kill_after_planning_leaves_the_effect_for_the_next(planned, account):
    """Planned means planned, whoever planned it and died."""
    process = planned.process()
    assert process.wait(60) == 0
    assert (planned.state(), len(account.posts)) == ("confirmed", 1)


def test_f03_kill_after_claim_gives_the_claim_back_and_sends_once(planned, account):
    """Nothing was sent: no attempt is lost and no person is asked."""
    killed_at(planned, "claimed")
    assert (planned.state(), len(account.posts)) == ("claimed", 0)
    assert planned.drain().confirmed == 0, "the lease still holds"
    planned.let_leases_run_out()
    assert planned.drain().confirmed == 1
    assert len(account.posts) == 1
    assert books.effect_of(planned.connection, "raise:77:5001:1").attempt == 1


def test_f04_kill_before_the_bytes_leave_is_unknown_and_unproven_halts(planned, account):
    """From outside it looks like a call whose answer was lost: it must be treated as one."""
    killed_at(planned, "marked")
    planned.let_leases_run_out()
    planned.settle()
    assert planned.state() == "unknown"
    account.add_credit({**credit_plan(9).payload["request"]["body"], "parentId": 1})
    planned.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    planned.settle()
    assert (planned.state(), len(account.posts)) == ("halted", 0)
    assert planned.drain().confirmed == 0


def test_f04_proven_kill_before_the_bytes_leave_ends_in_one_credit(make_drill, account):
    """With the key proven the machine may try again by itself."""
    drill = make_drill(dedupe="proven")
    account.dedupe = True
    drill.plan(credit_plan())
    killed_at(drill, "marked")
    drill.let_leases_run_out()
    drill.settle()
    account.add_credit({**credit_plan(9).payload["request"]["body"], "parentId": 1})
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    drill.settle()
    assert drill.drain().confirmed == 1
    assert len(account.of_reference("rg-77-5001-1")) == 1


def test_f05_kill_while_the_request_is_under_way_and_never_applied(planned, account):
    """As F04: it may have been applied, so nobody sends it again unseen."""
    killed_during_the_call(planned, account, "hold before")
    assert planned.state() == "sending"
    assert planned.drain().confirmed == 0
    planned.let_leases_run_out()
    planned.settle()
    assert (planned.state(), len(account.credits), len(account.posts)) == ("unknown", 0, 1)


def test_f06_kill_after_apply_finds_the_one_credit_by_its_reference(planned, account):
    """The credit stands in Brightpearl and nobody has seen the answer: the classic double credit."""
    killed_during_the_call(planned, account, "hold after")
    planned.let_leases_run_out()
    assert planned.settle().by_state["confirmed"] == 1
    planned.drain()
    assert (len(account.credits), len(account.posts)) == (1, 1)


def test_f07_kill_after_the_answer_and_before_its_record_ends_the_same(planned, account):
    """The answer was seen and forgotten: the reference remembers."""
    killed_at(planned, "answered")
    planned.let_leases_run_out()
    planned.settle()
    assert (planned.state(), len(account.credits), len(account.posts)) == ("confirmed", 1, 1)


def test_f08_kill_after_the_record_needs_no_further_call(planned, account):
    """It is done; the next run must not even look."""
    killed_at(planned, "recorded")
    reads = len(account.gets)
    assert planned.drain().confirmed == 0
    planned.settle()
    assert (planned.state(), len(account.posts), len(account.gets)) == ("confirmed", 1, reads)


def test_f30_a_call_that_arrives_after_its_lease_leaves_one_credit_for_a_person_to_adopt(planned, account):
    """The process, or the network, stalled for a quarter of an hour: by then it was given up, and nobody has sent it again."""
    account.faults.append("apply late")
    process = planned.process()
    assert account.arrived.wait(30)
    planned.let_leases_run_out()
    planned.settle()
    account.add_credit({**credit_plan(9).payload["request"]["body"], "parentId": 1})
    planned.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    planned.settle()
    assert (planned.state(), planned.reason()) == ("halted", "outcome_unknown")
    account.go_on.set()
    assert process.wait(60) == 0
    planned.settle()
    assert (planned.state(), planned.reason()) == ("halted", "adoption_proposed")
    assert (len(account.posts), len(account.of_reference("rg-77-5001-1"))) == (1, 1)


@pytest.mark.parametrize("state", ["sending", "confirmed"])
def test_f32_f33_a_session_that_dies_at_a_commit_loses_and_doubles_nothing(planned, account, state):
    """At the commit of `sending` nothing may leave before it is read anew; at that of the outcome the answer is kept and tried again."""
    planned.connection.execute(DIE_AT_COMMIT.format(state=state))
    process = planned.process()
    output, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert json.loads(output)["confirmed"] == (1 if state == "confirmed" else 0)
    planned.let_leases_run_out()
    planned.connection.execute("UPDATE effect SET not_before = now()")
    planned.drain()
    assert (planned.state(), len(account.posts), len(account.credits)) == ("confirmed", 1, 1)


def test_f31_two_runners_started_together_send_each_effect_once(drill, account):
    """Two schedules, two machines, one impatient person."""
    drill.plan(*(credit_plan(part) for part in range(1, 31)))
    processes = [drill.process(), drill.process()]
    told = [process.communicate(timeout=90)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert set(drill.drain().by_kind) == set(), "nothing was left"
    assert set(drill.states().values()) == {"confirmed"}
    assert sorted(body["externalRef"] for _, body in account.posts) == sorted(
        f"rg-77-5001-{part}" for part in range(1, 31)
    )


def test_i18_every_write_has_its_audit_row_before_it(planned, account):
    """Whoever dies at the call leaves the trace of it behind."""
    killed_during_the_call(planned, account, "hold before")
    rows = planned.connection.execute("SELECT what FROM audit ORDER BY seq").fetchall()
    assert [row[0] for row in rows][-3:] == ["planned", "claimed", "sending"]
    assert ledger.verify(planned.connection) is None
    assert audit.head(planned.connection).seq == len(rows)
