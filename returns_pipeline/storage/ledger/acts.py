"""What a person may do to one effect: void, retry, adopt. Each act is audited with the name that was given and the reason.

The webserver has no login: the name is asserted, and the audit says so.
"""

import psycopg

from returns_pipeline.storage.ledger import audit
from returns_pipeline.storage.ledger.balances import Moves, Taken
from returns_pipeline.storage.ledger.effect import Effect, read_one
from returns_pipeline.storage.ledger.outcomes import take_confirmed


class ActRefused(Exception):
    """The effect is not in a state that allows this; the message says what is and what to do."""


def void(connection: psycopg.Connection, effect_id: int, actor: str, reason: str) -> None:
    """Ends an effect that is not to happen, and gives back at once what it held.

    Raises:
        ActRefused: it is neither planned, rejected nor halted.
    """
    with connection.transaction():
        effect = _locked(connection, effect_id)
        if effect.state not in ("planned", "rejected", "halted"):
            raise ActRefused(f"{effect} is {effect.state}: only what is planned, rejected or halted can be voided")
        release_lines(connection, effect)
        connection.execute("UPDATE effect SET state = 'voided', reason = %s WHERE effect_id = %s", [reason, effect_id])
        _audit(connection, effect, "voided", actor, reason)


def retry(connection: psycopg.Connection, effect_id: int, actor: str, reason: str) -> None:
    """Plans a rejected or halted effect again, with the same payload and reference: the person has made sure that it did not happen.

    Raises:
        ActRefused: it is neither rejected nor halted.
    """
    with connection.transaction():
        effect = _locked(connection, effect_id)
        if effect.state not in ("rejected", "halted"):
            raise ActRefused(f"{effect} is {effect.state}: only what is rejected or halted can be retried")
        connection.execute(
            "UPDATE effect SET state = 'planned', reason = NULL, not_before = now() WHERE effect_id = %s", [effect_id]
        )
        _audit(connection, effect, "retried", actor, reason)


def adopt(connection: psycopg.Connection, effect_id: int, remote_id: str, actor: str, reason: str) -> None:
    """Takes an object that already stands in the other system for the one that this effect meant to make.

    Raises:
        ActRefused: the effect is neither planned nor halted, or the object belongs to another effect.
    """
    with connection.transaction():
        effect = _locked(connection, effect_id)
        if effect.state not in ("planned", "halted"):
            raise ActRefused(f"{effect} is {effect.state}: only what is planned or halted can be adopted")
        confirm_adopted(connection, effect, remote_id)
        _audit(connection, effect, "adopted", actor, reason, remote_id=remote_id)


def confirm_adopted(connection: psycopg.Connection, effect: Effect, remote_id: str) -> None:
    """Confirms with somebody else's object, in the caller's transaction.

    Raises:
        ActRefused: another effect has that object.
    """
    other = connection.execute(
        "SELECT business_key FROM effect WHERE kind = %s AND remote_id = %s AND effect_id <> %s",
        [effect.kind, remote_id, effect.effect_id],
    ).fetchone()
    if other and effect.kind in (
        "credit.raise",
        "goods_in.write",
        "refund.record",
        "transfer.create",
        "transfer.dispatch",
    ):
        raise ActRefused(f"{remote_id} already belongs to {other[0]}: one object cannot stand for two effects")
    connection.execute(
        "UPDATE effect SET state = 'confirmed', remote_id = %s, confirmed_by = 'adopted', reason = NULL WHERE effect_id = %s",
        [remote_id, effect.effect_id],
    )
    take_confirmed(connection, effect)


def release_lines(connection: psycopg.Connection, effect: Effect) -> None:
    """Gives back what the live lines of an effect hold: a credit's announcement, or a posting back to announced."""
    rows = connection.execute(
        """UPDATE effect_line SET released = true WHERE effect_id = %s AND NOT released
           RETURNING order_row_id, qty, net_minor, tax_minor, without_receipt_reason IS NOT NULL""",
        [effect.effect_id],
    ).fetchall()
    moves = Moves()
    lines = [Taken(*row) for row in rows]
    if effect.kind == "credit.post":
        moves.post(lines, sign=-1)
    else:
        moves.announce(lines, sign=-1)
    moves.book(connection)


def _locked(connection: psycopg.Connection, effect_id: int) -> Effect:
    connection.execute("SELECT 1 FROM effect WHERE effect_id = %s FOR UPDATE", [effect_id])
    return read_one(connection, effect_id)


def _audit(connection: psycopg.Connection, effect: Effect, what: str, actor: str, reason: str, **more: str) -> None:
    detail = {"by": actor, "name_is": "asserted", "reason": reason, "was": effect.state, **more}
    audit.append(connection, effect.effect_id, what, detail)
