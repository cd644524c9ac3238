"""`inspections record`: what the bench found about one unit."""

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.storage import database
from returns_pipeline.storage.ledger import audit


def record(*, rma_id: int, item_id: int, result: str, reason: str, by: str) -> Answer:
    """Records pass, damaged or write-off of one unit; refused for a unit that is not of that return."""
    runtime.prepare()
    with database.connect() as connection, connection.transaction():
        unit = connection.execute("SELECT shop FROM returngo_return_items WHERE returned_item_id = %s AND rma_id = %s", (item_id, rma_id)).fetchone()
        if unit is None:
            return Answer([f"RMA {rma_id} has no unit {item_id}: nothing was recorded"], status=1)
        if result != "pass" and not reason.strip():
            return Answer([f"{result} needs a --reason: nothing was recorded"], status=1)
        connection.execute(
            """INSERT INTO inspections(shop, rma_id, returned_item_id, quantity, result, reason, source, recorded_by)
               VALUES (%s, %s, %s, 1, %s, nullif(%s, ''), 'job', %s)""",
            (unit[0], rma_id, item_id, result, reason, by),
        )
        audit.append(connection, None, "inspection recorded", {"rma_id": rma_id, "returned_item_id": item_id, "result": result, "reason": reason, "by": by})
    return Answer([f"recorded: unit {item_id} of RMA {rma_id} is {result}"])
