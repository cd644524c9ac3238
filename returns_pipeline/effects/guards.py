"""What must still be true just before a call, read back for a whole batch at once. It only objects; the ledger makes the move.

Whether a kind is live, approved and its gates open is asked by the claim itself; here, whether an approved batch is still what was approved.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from returns_pipeline.effects.compare import differences
from returns_pipeline.effects.reading import Reader
from returns_pipeline.storage import period_locks
from returns_pipeline.storage.ledger import approvals, reading
from returns_pipeline.storage.ledger.effect import Effect

_NOTHING_PAID = ("UNPAID", "NOT_APPLICABLE", "", None)


@dataclass(frozen=True)
class Objection:
    """Why an effect must not be sent as it is.

    Attributes:
        reason: `code: words`.
        is_outdated: facts changed, and it is to be planned anew without a person.
        done_as: the object that stands there already, just as this would have made it.
    """

    reason: str
    is_outdated: bool = False
    done_as: str | None = None


def objections(connection: psycopg.Connection, reader: Reader, effects: Sequence[Effect]) -> dict[int, Objection]:
    """Objections by effect number, for effects of one kind; two or three reads for the whole batch.

    Raises:
        ReadFailed: what is needed could not be read; nothing may be sent then.
    """
    changed = approvals.no_longer_as_approved(connection, [effect.effect_id for effect in effects])
    found = {
        number: Objection("payload_changed: its batch is not what was approved; void it, and it is planned anew")
        for number in changed
    }
    kind = effects[0].kind
    if kind == "credit.post":
        return _to_posting(connection, reader, effects) | found
    if kind in ("credit.cancel", "credit.amend"):
        return _to_changing(reader, effects) | found
    return found


def _to_posting(connection: psycopg.Connection, reader: Reader, effects: Sequence[Effect]) -> dict[int, Objection]:
    outdated = reading.over_posted(connection, [effect.effect_id for effect in effects])
    found = {
        number: Objection("receipt_corrected: fewer units are received now than it posts", True) for number in outdated
    }
    standing = _credits_of(reader, effects)
    strangers = _strangers(connection, reader, effects)
    locked = {shop: period_locks.locked_until(connection, shop) for shop in {effect.shop for effect in effects}}
    for effect in effects:
        if effect.effect_id in found:
            continue
        in_locked = _dated_into(effect, locked[effect.shop])
        if in_locked is not None:
            found[effect.effect_id] = in_locked
            continue
        credit = standing.get(int(effect.subject["credit_id"]))
        objection = _to_posting_one(effect, credit, strangers.get(int(effect.subject["order_id"]), []))
        if objection is not None:
            found[effect.effect_id] = objection
    return found


def _dated_into(effect: Effect, locked_until: dt.date | None) -> Objection | None:
    """A posting that was planned before its period was locked is planned anew, with a day that is open."""
    if locked_until is None:
        return None
    day = dt.date.fromisoformat(effect.request["body"]["taxDate"][:10])
    if day > locked_until:
        return None
    return Objection(f"period_locked: tax date {day} lies in a period that is locked until {locked_until}", True)


def _to_posting_one(effect: Effect, credit: Mapping[str, Any] | None, strangers: Sequence[int]) -> Objection | None:
    if credit is None or credit["is_cancelled"]:
        return Objection(f"credit_gone: credit {effect.subject['credit_id']} was deleted or cancelled by somebody else")
    # The invoice reference is what posting changes; while it is pending, closing again is allowed.
    expect = {name: value for name, value in effect.expect.items() if name != "invoice_reference"}
    differing = differences(expect, credit)
    if differing:
        return Objection(f"credit_changed_by_staff: {'; '.join(differing[:5])}")
    if credit["invoice_reference"] not in ("", "pending"):
        return Objection(f"posted_by_hand: as {credit['invoice_reference']}", done_as=str(credit["credit_id"]))
    if strangers:
        ids = ", ".join(map(str, sorted(strangers)))
        return Objection(f"foreign_credit: credit {ids} of the same sale appeared after this was planned")
    return None


def _to_changing(reader: Reader, effects: Sequence[Effect]) -> dict[int, Objection]:
    found = {}
    standing = _credits_of(reader, effects)
    cancelled = [int(effect.subject["credit_id"]) for effect in effects if effect.kind == "credit.cancel"]
    received = {note["credit_id"] for note in reader.goods_in_notes(cancelled)} if cancelled else set()
    for effect in effects:
        credit_id = effect.subject["credit_id"]
        credit = standing.get(int(credit_id))
        if credit is None:
            found[effect.effect_id] = Objection(f"credit_gone: credit {credit_id} is not there any more")
        elif credit["invoice_reference"]:
            found[effect.effect_id] = Objection(
                f"credit_posted: credit {credit_id} is posted or being posted, so it cannot change"
            )
        elif effect.kind == "credit.cancel" and credit["credit_id"] in received:
            found[effect.effect_id] = Objection(f"cancelled_but_received: goods were received on credit {credit_id}")
        elif effect.kind == "credit.cancel" and credit["payment_status"] not in _NOTHING_PAID:
            found[effect.effect_id] = Objection(f"cancelled_but_paid: a payment stands on credit {credit_id}")
    return found


def _credits_of(reader: Reader, effects: Sequence[Effect]) -> dict[int, Mapping[str, Any]]:
    reader.forget()
    standing = reader.credits(sorted({int(effect.subject["credit_id"]) for effect in effects}))
    return {credit["credit_id"]: credit for credit in standing}


def _strangers(connection: psycopg.Connection, reader: Reader, effects: Sequence[Effect]) -> dict[int, list[int]]:
    """Credits of the same sales that nobody had seen when these were planned, by order."""
    order_ids = sorted({int(effect.subject["order_id"]) for effect in effects})
    since = min(effect.created_at for effect in effects)
    recent = reader.credits_of_orders_since(order_ids, since)
    known = {
        row[0]
        for row in connection.execute(
            """SELECT credit_id FROM brightpearl_sales_credits WHERE order_id = ANY(%(orders)s)
               UNION SELECT remote_id::bigint FROM effect WHERE kind = 'credit.raise' AND remote_id IS NOT NULL
                 AND (payload->'subject'->>'order_id')::bigint = ANY(%(orders)s)""",
            {"orders": order_ids},
        )
    }
    strangers: dict[int, list[int]] = {}
    for credit in recent:
        if credit["credit_id"] not in known and not credit["is_cancelled"]:
            strangers.setdefault(credit["order_id"], []).append(credit["credit_id"])
    return strangers
