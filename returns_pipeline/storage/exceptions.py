"""Exceptions as business records: opened by findings, closed by evidence, opened again under the same id. What is wrong is decided in `domain/`.

A finding's key is its code and subject. The history keeps every turn with the evidence of that moment.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.types.json import Jsonb

from returns_pipeline.domain.deadlines import due_at
from returns_pipeline.settings import Settings
from returns_pipeline.storage.ledger import audit

if TYPE_CHECKING:
    from returns_pipeline.domain.catalogue import ExceptionKind
    from returns_pipeline.domain.findings import Finding

_EVIDENCE = ("money_minor", "currency", "expected", "found")
_TOLD = (*_EVIDENCE, "cause", "suggestion", "rma_id", "severity", "owner", "stage")
_ALL = ("code", "subject_type", "subject_id", "shop", *_TOLD, "first_seen_at", "last_seen_at", "due_at")
_FOUND = "WITH found AS (SELECT * FROM jsonb_populate_recordset(NULL::exceptions, %(rows)s))"
_SAME = "(e.code, e.subject_type, e.subject_id, e.shop) = (f.code, f.subject_type, f.subject_id, f.shop)"
_DIFFERS = f"({', '.join(f'e.{name}' for name in _EVIDENCE)}) IS DISTINCT FROM ({', '.join(f'f.{name}' for name in _EVIDENCE)})"
_TELL = ", ".join(f"{name} = f.{name}" for name in _TOLD)
_OPEN = "e.state IN ('open', 'acknowledged')"


class NoSuchException(LookupError):
    """There is no exception of that id, or it is not in a state that the act asks for."""


@dataclass(frozen=True)
class Observed:
    """How many exceptions a look opened, opened again, found still open, and closed."""

    opened: int = 0
    reopened: int = 0
    still_open: int = 0
    resolved: int = 0


@dataclass(frozen=True)
class Turn:
    """One entry of an exception's history."""

    at: dt.datetime
    what: str
    actor: str
    note: str | None
    expected: str | None
    found: str | None


def observe(
    connection: psycopg.Connection,
    stage: str,
    shop: str,
    findings: Sequence["Finding"],
    judged_subjects: Collection[tuple[str, str]] | None,
    now: dt.datetime,
    *,
    catalogue: Mapping[str, "ExceptionKind"],
    settings: Settings,
) -> Observed:
    """Brings the exceptions of one stage and shop in line with what it found, in one transaction.

    What is found opens, or opens again under its old id; what a person waived stays waived until its evidence changes. An open exception of this
    stage and shop whose subject was judged and which is not among the findings closes itself. Of findings with one code and subject, the first counts.

    Args:
        connection: a connection of `database.connect`.
        stage: the finder's name.
        shop: label of the shop looked at.
        findings: what is wrong now.
        judged_subjects: (subject type, id) of what was looked at, ("rma", id) standing for all that belongs to a return; None: everything.
        now: the moment of the look.
        catalogue: owner, severity and service level of each code.
        settings: service levels, working hours and zones.
    """
    judged = None if judged_subjects is None else list(judged_subjects)
    parameters = {
        "rows": Jsonb(_rows(stage, shop, findings, now, catalogue, settings)),
        "stage": stage,
        "shop": shop,
        "now": now,
        "everything": judged is None,
        "types": [subject_type for subject_type, _ in judged or ()],
        "ids": [subject_id for _, subject_id in judged or ()],
        "note": f"{stage} looked and no longer found it",
    }
    if not findings:
        return Observed(resolved=connection.execute(_RESOLVE_HEALED, parameters).rowcount)
    with connection.transaction():
        still_open = connection.execute(_KEEP_OPEN, parameters).rowcount
        reopened = connection.execute(_REOPEN, parameters).rowcount
        opened = connection.execute(_OPEN_NEW, parameters).rowcount
        resolved = connection.execute(_RESOLVE_HEALED, parameters).rowcount
    return Observed(opened, reopened, still_open, resolved)


def acknowledge(
    connection: psycopg.Connection,
    exception_id: int,
    *,
    actor: str,
    note: str | None = None,
    os_user: str | None = None,
) -> None:
    """Says that a person is on it; it stays open.

    Raises:
        NoSuchException: no open exception has that id.
    """
    _act(connection, exception_id, "acknowledged", ("open",), actor, note, os_user)


def resolve(
    connection: psycopg.Connection, exception_id: int, *, actor: str, note: str, os_user: str | None = None
) -> None:
    """Closes it by hand; if the facts still break the rule, the next look opens it again.

    Raises:
        NoSuchException: no open or acknowledged exception has that id.
    """
    _act(connection, exception_id, "resolved", ("open", "acknowledged"), actor, note, os_user)


def waive(
    connection: psycopg.Connection, exception_id: int, *, actor: str, note: str, os_user: str | None = None
) -> None:
    """Accepts it as it stands; only other evidence opens it again.

    Raises:
        NoSuchException: no open or acknowledged exception has that id.
    """
    _act(connection, exception_id, "waived", ("open", "acknowledged"), actor, note, os_user)


def reopen(
    connection: psycopg.Connection, exception_id: int, *, actor: str, note: str, os_user: str | None = None
) -> None:
    """Takes a waiver back: it is open again under its own id.

    Raises:
        NoSuchException: no waived exception has that id.
    """
    _act(connection, exception_id, "open", ("waived",), actor, note, os_user)


def waived_of(connection: psycopg.Connection, rma_id: int) -> list[int]:
    """The ids of the waived exceptions about a return."""
    rows = connection.execute(
        "SELECT exception_id FROM exceptions WHERE rma_id = %s AND state = 'waived' ORDER BY exception_id", (rma_id,)
    ).fetchall()
    return [row[0] for row in rows]


def history(connection: psycopg.Connection, exception_id: int) -> list[Turn]:
    """Every turn of an exception, oldest first."""
    rows = connection.execute(
        "SELECT at, what, actor, note, expected, found FROM exception_history WHERE exception_id = %s ORDER BY at",
        (exception_id,),
    ).fetchall()
    return [Turn(*row) for row in rows]


def _rows(
    stage: str,
    shop: str,
    findings: Sequence["Finding"],
    now: dt.datetime,
    catalogue: Mapping[str, "ExceptionKind"],
    settings: Settings,
) -> list[dict[str, object]]:
    """One row per key, as the table's columns."""
    rows: dict[tuple[str, str, str, str], dict[str, object]] = {}
    for finding in findings:
        kind = catalogue[finding.code]
        due = due_at(now, kind.sla_hours, settings, finding.shop or shop)
        row = asdict(finding) | {
            "shop": finding.shop or shop,
            "stage": stage,
            "owner": finding.owner or kind.owner,
            "severity": finding.severity or kind.severity,
            "state": "open",
            "first_seen_at": now.isoformat(),
            "last_seen_at": now.isoformat(),
            "due_at": due.isoformat() if due else None,
        }
        rows.setdefault((finding.code, finding.subject_type, finding.subject_id, str(row["shop"])), row)
    return list(rows.values())


def _act(
    connection: psycopg.Connection,
    exception_id: int,
    state: str,
    allowed: tuple[str, ...],
    actor: str,
    note: str | None,
    os_user: str | None,
) -> None:
    with connection.transaction():
        found = connection.execute(
            """UPDATE exceptions SET state = %(state)s,
                 closed_at = CASE WHEN %(state)s IN ('open', 'acknowledged') THEN NULL ELSE clock_timestamp() END,
                 closed_by = CASE WHEN %(state)s IN ('open', 'acknowledged') THEN NULL ELSE %(actor)s END
               WHERE exception_id = %(id)s AND state = ANY(%(allowed)s) RETURNING code, subject_type, subject_id, expected, found""",
            {"state": state, "actor": actor, "id": exception_id, "allowed": list(allowed)},
        ).fetchone()
        if found is None:
            raise NoSuchException(
                f"no exception {exception_id} is {' or '.join(allowed)}, so it cannot become {state}: list the open ones first"
            )
        code, subject_type, subject_id, expected, seen = found
        what = "reopened" if state == "open" else state
        connection.execute(
            "INSERT INTO exception_history(exception_id, what, actor, note, expected, found) VALUES (%s, %s, %s, %s, %s, %s)",
            (exception_id, what, actor, note, expected, seen),
        )
        facts = {
            "exception_id": exception_id,
            "code": code,
            "subject": f"{subject_type} {subject_id}",
            "by": actor,
            "note": note,
            "os_user": os_user,
        }
        audit.append(connection, None, f"exception {what}", facts)


def _with_history(what: str, move: str, note: str = "NULL") -> str:
    """A move of exceptions that also writes their turn; its row count is the number moved."""
    return f"""{_FOUND}, moved AS ({move} RETURNING e.exception_id, e.expected, e.found)
        INSERT INTO exception_history(exception_id, what, actor, note, expected, found)
        SELECT exception_id, '{what}', %(stage)s, {note}, expected, found FROM moved"""  # noqa: S608 - words of this module


_KEEP_OPEN = f"""{_FOUND}, told AS (
    INSERT INTO exception_history(exception_id, what, actor, expected, found)
    SELECT e.exception_id, 'changed', %(stage)s, f.expected, f.found FROM exceptions e JOIN found f ON {_SAME} WHERE {_OPEN} AND {_DIFFERS})
  UPDATE exceptions e SET {_TELL}, last_seen_at = %(now)s FROM found f WHERE {_SAME} AND {_OPEN}"""  # noqa: S608 - words of this module
_REOPEN = _with_history(
    "reopened",
    f"""UPDATE exceptions e SET {_TELL}, state = 'open', times_reopened = e.times_reopened + 1, last_seen_at = %(now)s, due_at = f.due_at,
          closed_at = NULL, closed_by = NULL, announced_at = NULL, escalated_at = NULL
        FROM found f WHERE {_SAME} AND (e.state = 'resolved' OR (e.state = 'waived' AND {_DIFFERS}))""",  # noqa: S608 - words of this module
)
_OPEN_NEW = _with_history(
    "opened",
    f"INSERT INTO exceptions AS e ({', '.join(_ALL)}) SELECT {', '.join(_ALL)} FROM found ON CONFLICT DO NOTHING",  # noqa: S608 - words of this module
)
_RESOLVE_HEALED = _with_history(
    "resolved",
    f"""UPDATE exceptions e SET state = 'resolved', closed_at = %(now)s, closed_by = 'facts'
         WHERE e.stage = %(stage)s AND e.shop = %(shop)s AND {_OPEN} AND NOT EXISTS (SELECT FROM found f WHERE {_SAME})
           AND (%(everything)s OR EXISTS (SELECT FROM unnest(%(types)s::text[], %(ids)s::text[]) AS judged(subject_type, subject_id)
             WHERE (judged.subject_type, judged.subject_id) IN ((e.subject_type, e.subject_id), ('rma', e.rma_id::text))))""",  # noqa: S608 - words of this module
    note="%(note)s",
)
