"""What every drill needs: settings with short clocks, the real client on a small account, plans of credits. No assertions."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from returns_pipeline.clients import allow_list
from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.clients.transport import Transport
from returns_pipeline.domain.plans import EffectPlan, PlannedLine
from returns_pipeline.effects.runner import DrainReport, Runner, lock_of
from returns_pipeline.effects.settle import SettleReport, settle
from returns_pipeline.settings import Settings, ShopSettings, load_settings
from returns_pipeline.storage import database, ledger, locks
from returns_pipeline_tests.clients.server import Unpaced
from returns_pipeline_tests.storage.ledger import books

KINDS = ("credit.raise", "credit.post")
SETTINGS = """
[brightpearl]
shopify_app_credits = "off"
dedupe = "{dedupe}"
[brightpearl.statuses]
awaiting_return = 21
goods_received = 22
credited = 23
cancelled = 24
[policy]
record_refunds = true
[ledger]
lease_seconds = {lease}
request_deadline_seconds = {deadline}
unknown_horizon_seconds = {horizon}
absence_searches = 1
absence_search_interval_seconds = 0
drain_seconds = 30
close_wait_seconds = {close_wait}
[quota]
brightpearl_per_minute = 100000
"""


def settings_file(
    folder: Path, dedupe: str = "unproven", horizon: int = 0, lease: int = 60, deadline: int = 2, close_wait: int = 2
) -> Path:
    """A settings file of live mode with clocks short enough for a test."""
    path = folder / f"settings-{dedupe}-{horizon}-{lease}.toml"
    path.write_text(
        SETTINGS.format(dedupe=dedupe, horizon=horizon, lease=lease, deadline=deadline, close_wait=close_wait)
    )
    return path


class TestAccounts:
    """The real clients on a small account; no ReturnGo."""

    __test__ = False

    def __init__(self, base_url: str, deadline_seconds: float = 2.0) -> None:
        rules = allow_list.BRIGHTPEARL_READS + allow_list.writes_of(
            ["credit.raise", "credit.post", "credit.cancel", "credit.amend"]
        )
        self.pacer = Unpaced()
        self.brightpearl = BrightpearlClient(
            Transport(
                base_url,
                dict,
                rules,
                self.pacer,
                lambda *_: None,
                api="Brightpearl",
                secrets=set,
                deadline_seconds=deadline_seconds,
            )
        )

    def returngo(self, shop: ShopSettings) -> ReturnGoClient:
        """No drill writes to ReturnGo."""
        raise AssertionError(f"nothing is to be sent to ReturnGo's {shop.label}")


class Drill:
    """One database, one account, one settings file: plan, drain and settle as the pipeline does."""

    def __init__(self, connection: psycopg.Connection, base_url: str, settings_path: Path) -> None:
        self.connection = connection
        self.base_url = base_url
        self.settings_path = settings_path
        self.settings: Settings = load_settings({"RETURNS_SETTINGS": str(settings_path), "RETURNS_MODE": "live"})
        self.accounts = TestAccounts(base_url, self.settings.ledger.request_deadline_seconds)

    def plan(self, *plans: EffectPlan) -> ledger.PlanReport:
        """Plans credits on an order row with plenty of units."""
        if not self.connection.execute("SELECT 1 FROM gates").fetchone():
            books.open_gates(self.connection)
            books.balance(self.connection, quantity=1000, net=1_000_000, tax=200_000)
        return ledger.plan(self.connection, plans, "drill")

    def drain(self, connect: Callable[[], psycopg.Connection] = database.connect, **more: object) -> DrainReport:
        """One drain of the kinds of the drill by a worker of its own."""
        return Runner(self.accounts, self.settings, worker="drill", connect=connect, **more).drain(KINDS)  # type: ignore[arg-type]

    def settle(self) -> SettleReport:
        """Looks up what is unknown, as if the time to look had come."""
        self.connection.execute("UPDATE effect SET reconcile_after = now() WHERE reconcile_after IS NOT NULL")
        return settle(self.connection, self.accounts, KINDS, self.settings)

    def states(self) -> dict[str, str]:
        """Business key -> state of every effect that was not voided."""
        return dict(
            self.connection.execute(
                "SELECT business_key, state::text FROM effect WHERE state <> 'voided' ORDER BY effect_id"
            ).fetchall()
        )

    def state(self, key: str = "raise:77:5001:1") -> str:
        """State of one effect, by default of the first credit."""
        return books.effect_of(self.connection, key).state

    def reason(self, key: str = "raise:77:5001:1") -> str:
        """The code of its reason."""
        return str(books.effect_of(self.connection, key).reason).split(":")[0]

    def let_leases_run_out(self) -> None:
        """As if the lease's time had passed."""
        self.connection.execute("UPDATE effect SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL")

    def process(self, failpoint: str = "") -> "subprocess.Popen[str]":
        """A worker process of its own that drains once; `failpoint` names where it dies."""
        environment = {
            **os.environ,
            "DRILL_BASE_URL": self.base_url,
            "RETURNS_SETTINGS": str(self.settings_path),
            "RETURNS_MODE": "live",
            "RETURNS_FAILPOINT": failpoint,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "returns_pipeline_tests.faults.process"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def wait_until_wanted(looking: psycopg.Connection, sink: str) -> None:
    """Returns once another writer waits for that account.

    Raises:
        TimeoutError: nobody came within half a minute.
    """
    ends_at = time.monotonic() + 30
    while not locks.is_wanted(looking, [lock_of(sink)]):
        if time.monotonic() > ends_at:
            raise TimeoutError(f"nobody waits for {sink}")


def credit_plan(part: int = 1, quantity: int = 1, **more: object) -> EffectPlan:
    """A credit of that many units at 10.00 net and 2.00 tax."""
    reference = f"rg-77-{books.ORDER_ID}-{part}"
    row = {
        "productId": 1008,
        "quantity": str(quantity),
        "taxCode": "T20",
        "net": f"{10 * quantity}.00",
        "tax": f"{2 * quantity}.00",
    }
    body = {
        "customer": {"id": 5},
        "parentId": books.ORDER_ID,
        "statusId": 21,
        "ref": "#1 RMA77",
        "externalRef": reference,
        "currency": {"code": "GBP"},
        "rows": [row],
    }
    expect = {
        "external_ref": reference,
        "order_id": books.ORDER_ID,
        "currency": "GBP",
        "net_minor": 1000 * quantity,
        "tax_minor": 200 * quantity,
        "rows": [
            {
                "product_id": None if row["productId"] == 1000 else row["productId"],
                "quantity": quantity,
                "net_minor": 1000 * quantity,
                "tax_minor": 200 * quantity,
            }
        ],
    }
    fields: dict = {
        "kind": "credit.raise",
        "shop": books.SHOP,
        "business_key": f"raise:77:{books.ORDER_ID}:{part}",
        "remote_ref": reference,
        "currency": "GBP",
        "payload": {
            "request": {"method": "POST", "path": "/order-service/sales-credit", "body": body},
            "expect": expect,
            "subject": {"rma_id": 77, "order_id": books.ORDER_ID},
        },
        "lines": (PlannedLine(books.ROW_ID, "announce", quantity, 1000 * quantity, 200 * quantity),),
    }
    return EffectPlan(**{**fields, **more})


def posting_plan(credit_id: int, part: int = 1, receipt_line_id: int = 31, quantity: int = 1) -> EffectPlan:
    """The posting of a raised credit whose units came."""
    raised = credit_plan(part, quantity)
    return EffectPlan(
        kind="credit.post",
        shop=books.SHOP,
        business_key=f"post:{credit_id}",
        currency="GBP",
        payload={
            "request": {
                "method": "POST",
                "path": f"/order-service/sales-credit/{credit_id}/close",
                "body": {"taxDate": "2026-02-20T12:00:00.000+00:00"},
            },
            "expect": {**raised.payload["expect"], "invoice_reference": ""},
            "subject": {"rma_id": 77, "order_id": books.ORDER_ID, "credit_id": credit_id},
        },
        lines=(PlannedLine(books.ROW_ID, "post", quantity, 1000 * quantity, 200 * quantity, receipt_line_id),),
    )
