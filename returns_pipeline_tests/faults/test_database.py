"""Faults of the database: gone at the worst moment, put back to an older state, changed by hand, or closed by a gate."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.clients.outcomes import CredentialRefused
from returns_pipeline.effects import restore
from returns_pipeline.storage import database, home
from returns_pipeline.storage.ledger import audit, claiming
from returns_pipeline_tests.faults.drills import credit_plan
from returns_pipeline_tests.storage.ledger import books

# Kills the session that commits the first move to that state: the commit's fate is unknown to the client.
DIE_AT_COMMIT = """
CREATE SEQUENCE fault_once;
CREATE FUNCTION die_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.state = '{state}' AND nextval('fault_once') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER die_once AFTER UPDATE ON effect DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die_once();
"""


def test_f32_a_database_that_dies_at_the_commit_of_sending_sends_nothing_unrecorded(drill, account):
    """Whether `sending` stands is not known, so the call must not leave; the effect goes out on a new connection later."""
    drill.plan(credit_plan(), credit_plan(2))
    drill.connection.execute(DIE_AT_COMMIT.format(state="sending"))
    drill.drain()
    drill.let_leases_run_out()
    drill.connection.execute("UPDATE effect SET not_before = now()")
    drill.drain()
    assert set(drill.states().values()) == {"confirmed"}
    assert sorted(body["externalRef"] for _, body in account.posts) == ["rg-77-5001-1", "rg-77-5001-2"]


def test_f33_a_database_that_dies_after_the_answer_still_gets_the_answer(drill, account):
    """The credit stands: the record of it is tried again on a new connection, for as long as the lease lasts."""
    drill.plan(credit_plan())
    drill.connection.execute(DIE_AT_COMMIT.format(state="confirmed"))
    assert drill.drain().confirmed == 1
    assert (drill.state(), len(account.posts)) == ("confirmed", 1)


def test_f33_a_database_that_stays_away_leaves_the_effect_to_be_looked_up(make_drill, account):
    """The worker gives up after its lease: the credit is found by its reference when the database is back."""
    drill = make_drill(lease=3, deadline=1)
    drill.plan(credit_plan())
    account.faults.append("hold and answer")
    opened: list[psycopg.Connection] = []

    def connect() -> psycopg.Connection:
        if len(opened) == 2:
            raise psycopg.OperationalError("the database is down")
        opened.append(database.connect())
        return opened[-1]

    def cut() -> None:
        account.arrived.wait(10)
        opened[0].pgconn.finish()
        account.go_on.set()

    threading.Thread(target=cut).start()
    with pytest.raises(psycopg.OperationalError):
        drill.drain(connect)
    drill.let_leases_run_out()
    drill.settle()
    assert (drill.state(), len(account.posts)) == ("confirmed", 1)


def test_f47_an_audit_row_edited_by_hand_stops_the_writers(drill, account):
    """Evidence that does not hold is no ground to write on."""
    drill.plan(credit_plan())
    with drill.connection.transaction():
        drill.connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_no")
        drill.connection.execute("UPDATE audit SET detail = '{}' WHERE what = 'planned'")
        drill.connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_no")
    assert "audit row 1 was changed" in str(drill.drain().stopped_reason)
    assert account.posts == []


def test_f46_a_restored_ledger_writes_nothing_before_it_has_looked(drill, account):
    """Last night's backup knows nothing of this morning's credits: planned again, they would be raised twice."""
    drill.plan(credit_plan(), credit_plan(2))
    account.add_credit(credit_plan().payload["request"]["body"])
    home.ledger_head().parent.mkdir(parents=True, exist_ok=True)
    home.ledger_head().write_text(json.dumps({"seq": 1000, "hash": "ab"}))
    report = drill.drain()
    assert "older than the last drain knew it" in str(report.stopped_reason)
    assert (account.posts, report.left_planned) == ([], 2)
    assert drill.settle().by_state["confirmed"] == 1
    assert books.effect_of(drill.connection, "raise:77:5001:1").remote_id == "801"
    assert drill.drain().confirmed == 1
    assert [body["externalRef"] for _, body in account.posts] == ["rg-77-5001-2"]


def test_f46_a_look_that_fails_keeps_the_writers_off(drill, account):
    """Unread is not absent: not even once."""
    drill.plan(credit_plan())
    home.ledger_head().parent.mkdir(parents=True, exist_ok=True)
    home.ledger_head().write_text(json.dumps({"seq": 1000, "hash": "ab"}))
    drill.drain()
    account.is_unreadable = True
    assert drill.settle().unread
    assert restore.is_open(drill.connection)
    assert drill.drain().stopped_reason
    assert account.posts == []


def test_writers_side_by_side_keep_the_head_in_turn(drill):
    """One took the other's new file away, and the drain that came second died of it."""

    def keep_often() -> None:
        with database.connect() as own:
            for _ in range(50):
                restore.write_head(own)

    drill.plan(credit_plan())
    with ThreadPoolExecutor(4) as writers:
        for writer in [writers.submit(keep_often) for _ in range(4)]:
            writer.result()
    kept = json.loads(home.ledger_head().read_text())
    assert (kept["seq"], kept["hash"]) == (audit.head(drill.connection).seq, audit.head(drill.connection).hash_hex)


def test_the_head_outside_follows_the_audit(drill):
    """Else a restore of yesterday's backup would go unnoticed today."""
    drill.plan(credit_plan())
    drill.drain()
    head = audit.head(drill.connection)
    assert json.loads(home.ledger_head().read_text()) == {"seq": head.seq, "hash": head.hash_hex}


def test_f51_a_writer_started_alone_behind_a_closed_gate_sends_nothing_and_says_why(drill, account):
    """Somebody pressed Materialise on the writer; the effects stay planned."""
    drill.plan(credit_plan())
    books.close_gate(drill.connection, "returngo_rmas")
    report = drill.drain()
    assert (report.left_planned, account.posts) == (1, [])
    assert "1 credit.raise of uk wait for a gate: returngo_rmas: half of the rows were held" in str(
        report.stopped_reason
    )


def test_f49_asked_to_stop_it_finishes_the_call_and_leaves_the_rest_planned(drill, account):
    """A deployment must not make an outcome unknown."""
    drill.plan(credit_plan(), credit_plan(2), credit_plan(3))
    report = drill.drain(stop=lambda: len(account.posts) >= 1)
    assert (report.confirmed, report.left_planned, len(account.posts)) == (1, 2, 1)
    assert set(drill.states().values()) == {"confirmed", "planned"}
    assert drill.drain().confirmed == 2


def test_i22_a_kind_that_is_not_live_is_never_sent(drill, account):
    """Shadow means no write, even for an effect that was planned while it was live."""
    drill.plan(credit_plan())
    shadow = drill.settings.model_copy(update={"mode": "shadow"})
    drill.settings = shadow
    assert drill.drain().left_planned == 1
    assert account.posts == []


class NoCredentials:
    """Accounts of a process that was started without its environment."""

    @property
    def brightpearl(self):
        raise MissingCredential("BRIGHTPEARL_APP_REF is not set: name the app's reference there")


def test_a_missing_credential_is_told_before_anything_is_claimed(drill, account):
    """An effect stranded in `sending` would be a person's work for nothing."""
    drill.plan(credit_plan())
    drill.accounts, working = NoCredentials(), drill.accounts
    with pytest.raises(MissingCredential, match="BRIGHTPEARL_APP_REF"):
        drill.drain()
    assert drill.state() == "planned"
    drill.accounts = working
    assert drill.drain().confirmed == 1


def test_a_token_that_cannot_be_refreshed_sends_nothing_and_strands_nothing(drill, account):
    """Whoever refreshes a token does so before the call: that the call did not leave is certain."""

    def refused() -> dict[str, str]:
        raise CredentialRefused("the refresh token was refused with 400: log in again")

    drill.plan(credit_plan(), credit_plan(2))
    drill.accounts.brightpearl._transport._headers = refused
    assert drill.drain().left_planned == 2
    assert (set(drill.states().values()), account.posts) == ({"planned"}, [])
    assert "log in again" in str(books.effect_of(drill.connection, "raise:77:5001:1").reason)


def test_f30_a_worker_that_stalls_past_its_lease_does_not_send(drill, account):
    """Fencing by the other side is not to be had: the worker itself must look at its clock before the call."""
    drill.plan(credit_plan())

    class Stalling:
        """A clock that jumps by two minutes once the effect is being sent."""

        def __init__(self) -> None:
            self.now = 0.0

        def monotonic(self) -> float:
            state = drill.connection.execute("SELECT state::text FROM effect").fetchone()
            return 120.0 if state == ("sending",) else 0.0

        def sleep(self, seconds: float) -> None:
            self.now += seconds

    drill.drain(clock=Stalling())
    assert account.posts == []
    assert (drill.state(), drill.reason()) == ("planned", "not_sent")


FULL_DISK = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.state = 'sending' THEN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER disk_full BEFORE UPDATE ON effect FOR EACH ROW EXECUTE FUNCTION disk_full();
"""


def test_f48_a_full_disk_of_the_database_stops_before_the_call(drill, account):
    """What cannot be written down must not be done: afterwards nobody would know of it."""
    drill.plan(credit_plan(), credit_plan(2))
    drill.connection.execute(FULL_DISK)
    drill.drain()
    assert account.posts == []
    drill.connection.execute("DROP TRIGGER disk_full ON effect")
    drill.let_leases_run_out()
    assert drill.drain().confirmed == 2


def test_f48_a_home_that_cannot_be_written_stops_before_the_call(drill, account):
    """The head of the audit could not be kept outside: the next restore would go unnoticed."""
    drill.plan(credit_plan())
    home.ledger_head().parent.mkdir(parents=True)
    home.ledger_head().with_suffix(".new").mkdir()
    with pytest.raises(OSError, match="directory"):
        drill.drain()
    assert (drill.state(), account.posts) == ("planned", [])


@pytest.mark.parametrize("hours", [-1, 1])
def test_f34_a_workers_clock_that_is_wrong_changes_nothing(drill, account, hours, monkeypatch):
    """Leases go by the database's clock, deadlines by a clock that never jumps: the wall clock of a worker is asked by nobody."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    drill.plan(credit_plan(), credit_plan(2))
    account.faults.append("drop after")
    drill.drain()
    other = drill.settle()
    assert other.by_state["confirmed"] == 1
    assert (set(drill.states().values()), len(account.posts)) == ({"confirmed"}, 2)


def test_f34_a_database_clock_that_jumps_during_a_call_never_makes_a_second_one(drill, account):
    """By its new time the lease is over: the effect becomes unknown, is looked up, and the late answer is kept as evidence."""
    drill.plan(credit_plan())
    account.faults.append("hold and answer")
    worker = threading.Thread(target=drill.drain)
    worker.start()
    assert account.arrived.wait(10)
    with database.connect() as other:
        other.execute("UPDATE effect SET lease_until = lease_until - interval '1 hour'")
        assert claiming.expire_leases(other) == claiming.Expired(planned=0, unknown=1)
    account.go_on.set()
    worker.join()
    assert drill.state() == "unknown"
    drill.settle()
    assert (drill.state(), len(account.posts)) == ("confirmed", 1)
