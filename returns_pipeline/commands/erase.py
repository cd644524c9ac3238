"""`erase`: forgets what is kept about one customer's order."""

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.storage import database, erasure


def erase(order: str, *, by: str, reason: str) -> Answer:
    """Erases one order's free text and parcels; 1 where it is not known or still under way."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            done = erasure.erase(connection, order, by=by, reason=reason)
    except erasure.NotErased as refusal:
        return Answer([f"refused, nothing was changed: {refusal}"], status=1)
    lines = [f"{kind}: {rows}" for kind, rows in done.rows.items()]
    told = (
        f"erased for RMA {', '.join(map(str, done.rma_ids))}; quantities, money and the audit stay, as the books must"
    )
    return Answer([*lines, told], {"rma_ids": done.rma_ids, "rows": done.rows})
