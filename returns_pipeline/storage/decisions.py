"""What people decided about single subjects: recorded with reason and name, read when returns are matched and credits decided.

Names are asserted, not proved: the pipeline has no login of its own.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import psycopg
from psycopg.types.json import Jsonb

from returns_pipeline.storage import frames
from returns_pipeline.storage.ledger import audit


class NoSuchDecision(LookupError):
    """There is no decision of that id in force."""


def record(
    connection: psycopg.Connection,
    *,
    action: str,
    shop: str,
    subject_type: str,
    subject_id: str,
    reason: str,
    decided_by: str,
    rma_id: int | None = None,
    value: Mapping[str, Any] | None = None,
    second_approver: str | None = None,
    os_user: str | None = None,
) -> int:
    """Adds a decision and its audit row, and answers its id. A later decision about the same subject does not erase an earlier one.

    Raises:
        ValueError: the reason or the name is empty, or the second person is the first.
    """
    if not reason.strip() or not decided_by.strip():
        raise ValueError(f"a decision about {subject_type} {subject_id} needs a reason and the name of who decided")
    if second_approver is not None and second_approver.strip().casefold() == decided_by.strip().casefold():
        raise ValueError(f"the second person for {subject_type} {subject_id} must be another than {decided_by}")
    with connection.transaction():
        inserted = connection.execute(
            """INSERT INTO operator_decisions(action, shop, subject_type, subject_id, rma_id, value, reason, decided_by, second_approver, os_user)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING decision_id""",
            (
                action,
                shop,
                subject_type,
                subject_id,
                rma_id,
                Jsonb(dict(value or {})),
                reason,
                decided_by,
                second_approver,
                os_user,
            ),
        ).fetchall()
        decision_id = int(inserted[0][0])
        facts = {
            "decision_id": decision_id,
            "action": action,
            "shop": shop,
            "subject": f"{subject_type} {subject_id}",
            "value": dict(value or {}),
        }
        audit.append(
            connection,
            None,
            "decision recorded",
            facts | {"reason": reason, "by": decided_by, "second": second_approver, "os_user": os_user},
        )
    return decision_id


def revoke(
    connection: psycopg.Connection, decision_id: int, *, revoked_by: str, reason: str, os_user: str | None = None
) -> tuple[str, int | None]:
    """Takes a decision back; it stays on record. Answers its action and its return.

    Raises:
        NoSuchDecision: there is none of that id in force.
    """
    with connection.transaction():
        found = connection.execute(
            """UPDATE operator_decisions SET revoked_at = clock_timestamp() WHERE decision_id = %s AND revoked_at IS NULL
               RETURNING action, rma_id""",
            (decision_id,),
        ).fetchone()
        if found is None:
            raise NoSuchDecision(f"there is no decision {decision_id} in force: list them first")
        facts = {"decision_id": decision_id, "reason": reason, "by": revoked_by, "os_user": os_user}
        audit.append(connection, None, "decision revoked", facts)
    return found[0], found[1]


def in_force(connection: psycopg.Connection, shop: str | None = None) -> pd.DataFrame:
    """The decisions not taken back, oldest first; columns of `operator_decisions`."""
    decided = frames.read(connection, "operator_decisions", "all", shop=shop)
    return decided[decided["revoked_at"].isna()].reset_index(drop=True)
