"""A lock keeps a second run out, names its holder, and never outlives it."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from returns_pipeline.storage import database, locks


def terminate(connection: psycopg.Connection, victim: psycopg.Connection) -> None:
    connection.execute("SELECT pg_terminate_backend(%s)", [victim.info.backend_pid])


def test_a_second_holder_is_told_who_has_it(connection):
    """Somebody who waits wants to know for whom."""
    with database.connect() as other, locks.hold(connection, "sync"):
        with pytest.raises(locks.Busy, match="sync is already being run by sync by process"), locks.hold(other, "sync"):
            pass
        with locks.hold(other, "another"):
            pass
    with database.connect() as other, locks.hold(other, "sync"):
        pass


def test_the_holder_can_see_that_somebody_waits(connection):
    """A writer that may go on for minutes yields to one that waits; of other locks, and of those who gave up, it hears nothing."""
    with database.connect() as other, locks.hold(connection, "sync"):
        with ThreadPoolExecutor() as waiting:
            asked = waiting.submit(_hold_for_a_moment, other, "sync")
            while not locks.is_wanted(connection, ["another", "sync"]):
                assert not asked.done(), asked.result()
            assert not locks.is_wanted(connection, ["another"])
            with pytest.raises(locks.Busy, match="sync is already being run"):
                asked.result()
        assert not locks.is_wanted(connection, ["another", "sync"])


def _hold_for_a_moment(connection: psycopg.Connection, name: str) -> None:
    with locks.hold(connection, name, wait_seconds=1.0):
        pass


def hold_until_killed(connection: psycopg.Connection, holder: psycopg.Connection) -> None:
    with locks.hold(holder, "sync"):
        terminate(connection, holder)
        raise ValueError("what it was doing")


def test_a_lock_dies_with_its_holder_and_does_not_hide_why(connection):
    """A killed run must block nobody, and the cause is what the operator needs: that no unlock was possible is no news."""
    with database.connect() as holder:
        with pytest.raises(ValueError, match="what it was doing"):
            hold_until_killed(connection, holder)
        with locks.hold(connection, "sync", wait_seconds=5):
            assert holder.closed
