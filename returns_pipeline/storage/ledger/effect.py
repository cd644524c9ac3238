"""One effect as the runner sees it, and how it is read from a row. No changes of state."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

COLUMNS: LiteralString = """e.effect_id, e.shop, e.kind, e.business_key, e.remote_ref, e.payload, e.payload_sha256, e.state::text AS state, e.reason,
  e.attempt, e.fence, e.remote_id, e.sent_at, e.created_at, e.waiting_since, e.reconcile_tries"""


@dataclass(frozen=True)
class Effect:
    """One intended write; `payload` is frozen once it was approved or sent.

    Attributes:
        remote_ref: our own reference on the object that it makes, or None where the kind makes none.
        fence: grows with each claim; an answer counts only under the fence it was sent with.
        sent_at: the database's clock when `sending` was committed last.
        waiting_since: what it is about waits since then; the longest wait is sent first.
        reconcile_tries: empty searches since the outcome became unknown.
    """

    effect_id: int
    shop: str
    kind: str
    business_key: str
    remote_ref: str | None
    payload: Mapping[str, Any]
    payload_sha256: bytes
    state: str
    reason: str | None
    attempt: int
    fence: int
    remote_id: str | None
    sent_at: dt.datetime | None
    created_at: dt.datetime
    waiting_since: dt.datetime
    reconcile_tries: int

    @property
    def request(self) -> Mapping[str, Any]:
        """Method, path and body to send."""
        request: Mapping[str, Any] = self.payload["request"]
        return request

    @property
    def expect(self) -> Mapping[str, Any]:
        """What a read back must show."""
        return self.payload.get("expect") or {}

    @property
    def subject(self) -> Mapping[str, Any]:
        """Ids that it is about: rma_id, order_id, credit_id, shipment_id, as far as they apply."""
        return self.payload.get("subject") or {}

    def __str__(self) -> str:
        return f"effect {self.effect_id} ({self.business_key})"


def fetch(
    connection: psycopg.Connection, query: LiteralString, parameters: Sequence[object] | Mapping[str, object]
) -> list[Effect]:
    """The effects that a query answers, which must select `COLUMNS`."""
    with connection.cursor(row_factory=class_row(Effect)) as cursor:
        return cursor.execute(query, parameters).fetchall()


def read_one(connection: psycopg.Connection, effect_id: int) -> Effect:
    """The effect of that number.

    Raises:
        LookupError: there is none.
    """
    found = fetch(connection, f"SELECT {COLUMNS} FROM effect e WHERE effect_id = %s", [effect_id])  # noqa: S608 - a literal
    if not found:
        raise LookupError(f"there is no effect {effect_id}: list them with the view `effects`")
    return found[0]
