"""Notices that the database was put back to an older state, or its audit changed, and keeps the writers off until that is looked into.

The newest audit row is kept in a file outside the database after each drain. What was written after the backup stands in the other system and
not here: everything unconfirmed is looked up before the first new write. What the ledger has lost altogether comes back through ingest, by reference.
"""

import fcntl
import json
from collections import Counter
from typing import cast

import psycopg

from returns_pipeline.effects import kinds
from returns_pipeline.effects.reading import Reader
from returns_pipeline.effects.sightings import look
from returns_pipeline.storage import home
from returns_pipeline.storage.ledger import acts, audit, claiming, outcomes, reading
from returns_pipeline.storage.ledger.effect import Effect

_RESTORED = "restored"
_RECONCILED = "reconciled"


def refusal(connection: psycopg.Connection) -> str | None:
    """Why nothing may be written, or None: an older database than last seen, or an audit row changed since."""
    if is_noticed(connection):
        return "this database is older than the last drain knew it: run `returns-pipeline settle`, which looks up what was written since the backup"
    broken = audit.verify_since(connection, _known_head().seq)
    if broken is not None:
        return f"audit row {broken} was changed after it was written: nothing is sent until a person has looked (`returns-pipeline ledger verify`)"
    return None


def is_noticed(connection: psycopg.Connection) -> bool:
    """Whether the database was put back and that is not yet looked into; it is noticed by the audit row last seen, which is missing or another."""
    known = _known_head()
    if known.seq and audit.hash_at(connection, known.seq) != known.hash_hex and not is_open(connection):
        _note_epoch(connection, _RESTORED)
    return is_open(connection)


def is_open(connection: psycopg.Connection) -> bool:
    """Whether a restore was noticed and is not yet looked into."""
    row = connection.execute("SELECT note FROM ledger_epochs ORDER BY epoch DESC LIMIT 1").fetchone()
    return row == (_RESTORED,)


def adopt_what_stands(connection: psycopg.Connection, reader: Reader, counts: Counter[str]) -> None:
    """Looks up every planned effect of every kind: what stands in the other system already is adopted, what differs is halted.

    Args:
        connection: open.
        reader: the accounts.
        counts: gets the number of effects by the state they came to.

    Raises:
        ReadFailed: something could not be read; the writers stay off, and the next settle begins again.
    """
    claiming.expire_leases(connection)
    for effect in reading.planned(connection):
        state = _adopt(connection, reader, effect)
        if state is not None:
            counts[state] += 1
    _note_epoch(connection, _RECONCILED)
    write_head(connection)


def write_head(connection: psycopg.Connection) -> None:
    """Keeps the newest audit row's number and hash outside the database.

    Writers of one home take turns from the look to the file: side by side one could take the other's file away, or put an older head over a newer.
    """
    path = home.ledger_head()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        head = audit.head(connection)
        new = path.with_suffix(".new")
        new.write_text(json.dumps({"seq": head.seq, "hash": head.hash_hex}), encoding="utf-8")
        new.replace(path)


def _adopt(connection: psycopg.Connection, reader: Reader, effect: Effect) -> str | None:
    sighting = look(reader, effect, outcomes.remote_ids_seen(connection, effect.effect_id))
    if sighting.state == "found":
        acts.adopt(
            connection, effect.effect_id, str(sighting.remote_id), "settle", "found after the database was restored"
        )
        return "confirmed"
    if sighting.state in ("mismatch", "several"):
        code = "payload_mismatch" if sighting.state == "mismatch" else "duplicate_remote"
        reason = f"{code}: {sighting.remote_id or ''} found after the database was restored: {sighting.detail}"
    elif sighting.state == "cancelled":
        reason = f"credit_gone: it stands cancelled as {sighting.remote_id}, found after the database was restored"
    elif sighting.state == "blind" and effect.kind in kinds.NEVER_REPEATED:
        reason = "outcome_unknown: the database was restored, and whether this was done cannot be looked up"
    else:
        return None
    return "halted" if outcomes.settle(connection, effect, outcomes.Move("halted", reason)) else None


def _known_head() -> audit.Head:
    try:
        known = cast("dict[str, object]", json.loads(home.ledger_head().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return audit.Head(0, "")
    return audit.Head(int(str(known["seq"])), str(known["hash"]))


def _note_epoch(connection: psycopg.Connection, note: str) -> None:
    with connection.transaction():
        connection.execute(
            "INSERT INTO ledger_epochs(audit_seq, note) VALUES (%s, %s)", [audit.head(connection).seq, note]
        )
        audit.append(connection, None, f"ledger {note}", {})
