"""Hints wait once and are followed up once."""

import datetime as dt

import psycopg

from returns_pipeline.storage import hints

NOW = dt.datetime.now(dt.UTC)
# Far enough for a suite of tests that takes its time.
EARLIER, LATER = NOW - dt.timedelta(hours=1), NOW + dt.timedelta(hours=1)


def waiting(connection: psycopg.Connection) -> list[tuple[str, int]]:
    return [(hint.subject, hint.subject_id) for hint in hints.waiting(connection, EARLIER)]


def test_a_hint_waits_once_and_comes_again_after_it_was_taken(connection):
    noted = [("order", 7), ("goods_in", 8)]
    assert hints.note(connection, "brightpearl", "", noted) == 2
    assert hints.note(connection, "brightpearl", "", noted) == 0
    assert waiting(connection) == noted
    first, second = (hint.hint_id for hint in hints.waiting(connection, EARLIER))
    hints.take(connection, [first], [second], NOW, EARLIER)
    assert waiting(connection) == []
    assert hints.looks_since(connection, EARLIER) == 1, "only one of them led to a look"
    assert hints.note(connection, "brightpearl", "", noted[:1]) == 1


def test_what_a_sync_overtook_no_longer_waits(connection):
    hints.note(connection, "returngo", "uk", [("rma", 9), ("unreadable", 0)])
    assert waiting(connection) == [("rma", 9)]
    hints.take(connection, [], [], NOW, LATER)
    assert connection.execute("SELECT count(*) FROM hints WHERE taken_at IS NULL").fetchone() == (0,)
    assert [row[:4] for row in hints.counts_by_sender(connection)] == [
        ("returngo", "uk", "rma", 1),
        ("returngo", "uk", "unreadable", 1),
    ]


def test_a_flood_is_not_noted(connection):
    connection.execute(
        "INSERT INTO hints(sender, subject, subject_id) SELECT 'brightpearl', 'order', n FROM generate_series(1, 10000) n"
    )
    assert hints.note(connection, "brightpearl", "", [("order", 10_001)]) == 0
