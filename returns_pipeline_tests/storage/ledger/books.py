"""A small ledger for tests: open gates, one order row, plans that say little. No assertions."""

import hashlib

import pandas as pd
import psycopg

from returns_pipeline.domain.plans import EffectPlan, PlannedLine
from returns_pipeline.storage import ledger
from returns_pipeline.storage.ledger import claiming, outcomes

SHOP = "uk"
ORDER_ID = 5001
ROW_ID = 9001


def open_gates(connection: psycopg.Connection, shop: str = SHOP, passed: bool = True) -> None:
    connection.execute(
        "INSERT INTO gates(shop, table_name, run_id, passed, reason) SELECT DISTINCT %s, table_name, 'r1', %s, %s FROM gate_needed",
        [shop, passed, None if passed else "half of the rows were held"],
    )


def close_gate(connection: psycopg.Connection, table: str, shop: str = SHOP) -> None:
    connection.execute(
        "INSERT INTO gates(shop, table_name, run_id, passed, reason) VALUES (%s, %s, 'r2', false, 'half of the rows were held')",
        [shop, table],
    )


def balance(
    connection: psycopg.Connection,
    row_id: int = ROW_ID,
    quantity: int = 3,
    net: int = 3000,
    tax: int = 600,
    order_id: int = ORDER_ID,
) -> None:
    ledger.ensure_balances(
        connection,
        pd.DataFrame(
            [[row_id, order_id, "GBP", 2, "INC", quantity, net, tax]],
            columns=[
                "order_row_id",
                "order_id",
                "currency",
                "minor_digits",
                "price_mode",
                "ordered_qty",
                "net_minor",
                "tax_minor",
            ],
        ),
    )


def received(connection: psycopg.Connection, quantity: int, row_id: int = ROW_ID) -> None:
    ledger.record_facts(
        connection,
        pd.DataFrame([[row_id, quantity]], columns=["order_row_id", "received_qty"]),
        pd.DataFrame(columns=["order_row_id", "foreign_qty", "foreign_net", "foreign_tax"]),
    )


def came(connection: psycopg.Connection, quantity: int) -> int:
    """Books goods in on a credit; the number of the receipt line."""
    row = connection.execute(
        """INSERT INTO brightpearl_goods_in(goods_note_id, credit_id, credit_row_id, product_id, location_id, warehouse_id, quantity, shop, received_on, read_at)
           VALUES (1, 801, 1, 1, 2, 3, %s, %s, now(), now()) RETURNING receipt_line_id""",
        [quantity, SHOP],
    ).fetchone()
    return int(row[0])  # type: ignore[index]


def transfer_plan(receipt_line_id: int, quantity: int = 1, which: str = "ab") -> EffectPlan:
    unit = {"receipt_line_id": receipt_line_id, "product_id": 1, "quantity": quantity, "location_id": 2}
    payload = {"request": {}, "subject": {"units": [unit]}}
    return EffectPlan("transfer.create", SHOP, f"transfer:uk:3:2:{which}", payload, remote_ref=f"rt-{which}")


def foreign(connection: psycopg.Connection, quantity: int, net: int, tax: int, row_id: int = ROW_ID) -> None:
    ledger.record_facts(
        connection,
        pd.DataFrame(columns=["order_row_id", "received_qty"]),
        pd.DataFrame(
            [[row_id, quantity, net, tax]], columns=["order_row_id", "foreign_qty", "foreign_net", "foreign_tax"]
        ),
    )


def raise_plan(
    part: int = 1,
    quantity: int = 1,
    net: int = 1000,
    tax: int = 200,
    rma_id: int = 77,
    row_id: int = ROW_ID,
    **more: object,
) -> EffectPlan:
    reference = f"rg-{rma_id}-{ORDER_ID}-{part}"
    fields: dict = {
        "kind": "credit.raise",
        "shop": SHOP,
        "business_key": f"raise:{rma_id}:{ORDER_ID}:{part}",
        "remote_ref": reference,
        "currency": "GBP",
        "payload": {
            "request": {
                "method": "POST",
                "path": "/order-service/sales-credit",
                "body": {"externalRef": reference, "quantity": quantity},
            },
            "expect": {"currency": "GBP", "rows": [{"net_minor": net, "tax_minor": tax}]},
            "subject": {"rma_id": rma_id, "order_id": ORDER_ID},
        },
        "lines": (PlannedLine(row_id, "announce", quantity, net, tax),),
    }
    fields["payload"] |= more.pop("payload", {})
    return EffectPlan(**{**fields, **more})


def post_plan(
    credit_id: int = 801,
    quantity: int = 1,
    net: int = 1000,
    tax: int = 200,
    receipt_line_id: int | None = 31,
    reason: str | None = None,
    row_id: int = ROW_ID,
    **more: object,
) -> EffectPlan:
    fields: dict = {
        "kind": "credit.post",
        "shop": SHOP,
        "business_key": f"post:{credit_id}",
        "currency": "GBP",
        "payload": {
            "request": {"method": "POST", "path": f"/order-service/sales-credit/{credit_id}/close", "body": {}},
            "expect": {"currency": "GBP", "rows": [{"net_minor": net, "tax_minor": tax}]},
            "subject": {"rma_id": 77, "order_id": ORDER_ID, "credit_id": credit_id},
        },
        "lines": (PlannedLine(row_id, "post", quantity, net, tax, receipt_line_id, reason),),
    }
    return EffectPlan(**{**fields, **more})


def giving_back(kind: str, key: str, credit_id: int, quantity: int, net: int, tax: int) -> EffectPlan:
    return EffectPlan(
        kind=kind,
        shop=SHOP,
        business_key=key,
        payload={
            "request": {"method": "PUT", "path": f"/order-service/order/{credit_id}/status", "body": {}},
            "subject": {"rma_id": 77, "order_id": ORDER_ID, "credit_id": credit_id},
            "give_back": [{"order_row_id": ROW_ID, "quantity": quantity, "net_minor": net, "tax_minor": tax}],
        },
    )


def figures(connection: psycopg.Connection, row_id: int = ROW_ID) -> tuple[int, ...]:
    """Announced quantity, net, tax; posted quantity, net, tax."""
    return connection.execute(
        "SELECT announced_qty, announced_net, announced_tax, posted_qty, posted_net, posted_tax FROM order_row_balance WHERE order_row_id = %s",
        [row_id],
    ).fetchone()  # type: ignore[return-value]


def effect_of(connection: psycopg.Connection, key: str) -> ledger.Effect:
    row = connection.execute(
        "SELECT effect_id FROM effect WHERE business_key = %s ORDER BY effect_id DESC LIMIT 1", [key]
    ).fetchone()
    return ledger.read_one(connection, row[0])  # type: ignore[index]


def sending(connection: psycopg.Connection, kind: str, worker: str = "w1") -> ledger.Effect:
    """Claims the oldest due effect of a kind and marks it as being sent."""
    (claimed,) = claiming.claim(connection, kind, [SHOP], worker, 120, 1)
    marked = claiming.mark_sending(connection, claimed, 120)
    assert marked is not None
    return marked


def confirm(connection: psycopg.Connection, kind: str, remote_id: str) -> ledger.Effect:
    """Sends and confirms the oldest due effect of a kind."""
    effect = sending(connection, kind)
    assert outcomes.record_outcome(
        connection,
        effect,
        outcomes.Evidence("created", 201, remote_id),
        outcomes.Move("confirmed", remote_id=remote_id, confirmed_by="answer"),
    )
    return ledger.read_one(connection, effect.effect_id)


def snapshot(connection: psycopg.Connection) -> str:
    """A digest of everything the ledger holds."""
    tables = ("effect", "effect_line", "effect_attempt", "order_row_balance", "audit", "shadow_plans")
    text = "".join(str(connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()) for table in tables)  # noqa: S608 - the names above
    return hashlib.sha256(text.encode()).hexdigest()
