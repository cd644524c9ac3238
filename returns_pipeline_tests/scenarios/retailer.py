"""A retailer in the words of the trade: customers ask, the warehouse receives, the pipeline syncs; and what is really so in Brightpearl.

Not here: how cases take turns (`lockstep`) and what starts the retailer (`conftest`).
"""

import datetime as dt
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from returns_pipeline.commands.sandbox_process import Sandbox
from returns_pipeline.commands.sync import SyncResult, sync
from returns_pipeline.sandbox.retailer_orders import UK_SHAPES
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.acting import Act, act
from returns_pipeline.stages.passes import Scope
from returns_pipeline.storage import database

MAIN, RETURNS = 2, 3
REFUND = "RefundToPaymentMethod"
_HOURS_BETWEEN_SYNCS = 2
# The cases happen in the days before today: the pipeline goes by the real clock.
_DAYS_BEFORE_TODAY = 5
# Products that several shapes of orders are always of: no case has them for itself.
_SHARED = {
    "THIRDS-1",
    "LIN-8",
    "LIN-10",
    "MER-S",
    "RJK-S",
    "SET-TOWEL",
    "SET-TEA",
    "HAMPER-1",
    "TWL-BATH",
    "TWL-HAND",
    "TWL-FACE",
    "TEAPOT-1",
    "MUG-BLU",
    "CNDL-FIG",
    "CLK-WALL",
}
_HOURS_UNTIL_SHIPPED = 24  # the goods of a new order leave the warehouse within a day; before that nobody returns them


def owners_url(url: str) -> str:
    """The URL with the login that owns every table."""
    return re.sub("//[^@]*@", "//postgres:@", url)


@dataclass(frozen=True)
class Order:
    """An order that the customer paid and got."""

    name: str
    order_id: int
    skus: tuple[str, ...]

    @property
    def sku(self) -> str:
        """The SKU of its first line, as it was sold."""
        return self.skus[0]


@dataclass(frozen=True)
class Return:
    """A return in ReturnGo: its number, its units and its parcels."""

    rma_id: int
    order: Order
    item_ids: tuple[int, ...]
    shipment_ids: tuple[int, ...]


@dataclass(frozen=True)
class Credit:
    """A sales credit as Brightpearl really holds it."""

    credit_id: int
    net: str
    tax: str
    is_posted: bool
    is_cancelled: bool
    is_ours: bool
    currency: str
    tax_date: str | None
    rows: tuple[Mapping[str, Any], ...]

    @property
    def gross(self) -> Decimal:
        """Net and tax together."""
        return Decimal(self.net) + Decimal(self.tax)

    @property
    def units(self) -> dict[str, int]:
        """What it credits: SKU -> quantity, without the components of bundles."""
        return {row["sku"]: row["quantity"] for row in self.rows if row["sku"] and not row["is_bundle_child"]}


class Retailer:
    """One retailer with his two accounts and the pipeline between them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._hours_to_wait = _HOURS_UNTIL_SHIPPED
        self._sold: set[str] = set(_SHARED)
        self._reserved: set[str] = set()
        self._is_sweep_due = False
        begins = dt.datetime.now(dt.UTC) - dt.timedelta(days=_DAYS_BEFORE_TODAY)
        until = begins - dt.datetime.fromisoformat(self.state()["now"])
        sandbox.post("/advance", {"hours": max(0, int(until.total_seconds() // 3600))})

    # What people do.

    def act(self, actor: str, verb: str, **arguments: Any) -> Any:
        return self.sandbox.post("/act", {"actor": actor, "verb": verb, **arguments})

    def order(self, shape: str = "single", shop: str = "uk", *, alone: bool = False) -> Order:
        """The customer buys; the goods are shipped and, unless the shape says otherwise, invoiced.

        `alone`: of a product that no other case has, so that its stock is this case's own.
        """
        while True:
            bought = self.act("customer", "buy", shop=shop, shape=shape)
            skus = set(bought["skus"])
            if not skus & (self._reserved | (self._sold if alone else set())):
                break
        self._sold |= skus
        self._reserved |= skus if alone else set()
        return Order(bought["order_name"], bought["order_id"], tuple(bought["skus"]))

    def opening_order(self, shape: str) -> Order:
        """An order of the UK shop from before its products were renamed."""
        before = sum(count for name, count in itertools.takewhile(lambda entry: entry[0] != shape, UK_SHAPES.items()))
        name = f"#UK{1001 + before}"
        return Order(name, self.state()["orders"][name], ())

    def ask(self, order: Order, units: Sequence[Mapping[str, Any]] | None = None, **wishes: Any) -> Return:
        """The customer asks to return `units` (the whole order when None)."""
        made = self.act("customer", "request_return", order_name=order.name, units=units, **wishes)
        return Return(made["rma_id"], order, tuple(made["item_ids"]), tuple(made["shipment_ids"]))

    def approved(self, order: Order, units: Sequence[Mapping[str, Any]] | None = None, **wishes: Any) -> Return:
        """A return that customer service approves at once."""
        asked = self.ask(order, units, **wishes)
        self.act("cx", "approve", rma_id=asked.rma_id)
        return asked

    def ship(self, asked: Return) -> None:
        """The parcels go off and the carrier says that they were delivered."""
        self.act("carrier", "ship", rma_id=asked.rma_id)
        self.act("carrier", "deliver", rma_id=asked.rma_id)

    def receive(self, asked: Return, units: Mapping[str, int] | None = None, **how: Any) -> list[int]:
        """The bench books in what came, all that was announced when `units` is None; the numbers of the notes."""
        booked = self.act("warehouse", "receive", rma_id=asked.rma_id, units=units, **how)
        assert booked["booked"], f"the bench found no credit for RMA {asked.rma_id}: {booked}"
        notes: list[int] = booked["note_ids"]
        return notes

    def send_back(self, asked: Return) -> None:
        """The parcels go off, arrive, and the bench books in all that was announced."""
        self.ship(asked)
        self.receive(asked)

    def inspect(self, asked: Return, result: str, item_ids: Sequence[int] | None = None) -> None:
        """The inspector looks at units in ReturnGo: pass, fail or missing."""
        self.act("inspector", "inspect", rma_id=asked.rma_id, result=result, item_ids=item_ids)
        # ReturnGo's list does not show an inspection: only a sweep is sure to see it.
        self._is_sweep_due = True

    def refund(self, asked: Return, **how: Any) -> None:
        """Customer service pays in ReturnGo."""
        self.act("cx", "refund", rma_id=asked.rma_id, **how)

    def decide(self, asked: Return, code: str, action: str, **value: Any) -> str:
        """A person acts on an open exception about a return, with a second person for a larger sum."""
        wanted = Act(action, value, f"scenario: {action}", "Finance One", "Finance Two")
        (exception_id,) = [number for found, _, number, _ in self.open_exceptions(asked) if found == code]
        with database.connect() as connection:
            return act(connection, load_settings(), exception_id, wanted)

    def time_passes(self, *, days: int) -> None:
        """The retailer's people do nothing for some days."""
        self.sandbox.post("/advance", {"hours": days * 24})

    def sync(self, *, is_sweep: bool = False) -> SyncResult:
        """Time goes on, then the pipeline works until nothing moves; no step may fail and no gate may close."""
        self.sandbox.post("/advance", {"hours": self._hours_to_wait})
        self._hours_to_wait = _HOURS_BETWEEN_SYNCS
        result = sync(Scope(is_sweep=is_sweep or self._is_sweep_due), until_idle=True)
        self._is_sweep_due = False
        assert result.is_good, (result.failed_steps, result.closed_gates)
        return result

    def sync_at_once(self, passes: int) -> None:
        """So many processes sync at the same time; each must end well."""
        command = [sys.executable, "-m", "returns_pipeline.cli", "sync", "--lock-wait", "120"]
        processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(passes)]
        assert [process.wait(timeout=180) for process in processes] == [0] * passes

    def command(self, *arguments: str, as_owner: bool = False) -> None:
        """A person types `returns-pipeline ...`, and it ends well; `as_owner` with the login that owns the tables."""
        owner = {"RETURNS_DATABASE_URL": owners_url(os.environ["RETURNS_DATABASE_URL"])} if as_owner else {}
        subprocess.run(
            [sys.executable, "-m", "returns_pipeline.cli", *arguments], check=True, timeout=180, env=os.environ | owner
        )

    # What is really so.

    def state(self) -> dict[str, Any]:
        """The true state of both accounts, whatever their APIs say at the moment."""
        found: dict[str, Any] = self.sandbox.get("/state")
        return found

    def credits(self, order: Order) -> list[Credit]:
        """Every credit on the order that is not cancelled, oldest first."""
        return [credit for credit in self.all_credits(order) if not credit.is_cancelled]

    def credited(self, order: Order, asked: Return) -> Credit:
        """The only credit of the order, which is posted and gives back what was paid for the return."""
        (credit,) = self.credits(order)
        assert (credit.is_posted, credit.gross) == (True, self.paid(asked))
        return credit

    def all_credits(self, order: Order) -> list[Credit]:
        """Every credit on the order, cancelled ones too."""
        return [
            Credit(
                credit_id=found["credit_id"],
                net=found["net"],
                tax=found["tax"],
                is_posted=found["invoice_reference"] not in ("", "pending"),
                is_cancelled=found["is_cancelled"],
                is_ours=(found["external_ref"] or "").startswith("rg-"),
                currency=found["currency"],
                tax_date=found["tax_date"],
                rows=tuple(found["rows"]),
            )
            for found in self.state()["brightpearl"]["credits"]
            if found["order_id"] == order.order_id
        ]

    def paid(self, asked: Return) -> Decimal:
        """What the customer paid for the returned units, tax included."""
        return sum((Decimal(str(item["paid"])) for item in self._rma(asked)["items"]), Decimal(0))

    def parcels(self, asked: Return) -> list[str]:
        """What ReturnGo says about each parcel."""
        return [shipment["status"] for shipment in self._rma(asked)["shipments"]]

    def refunds(self, asked: Return) -> list[str]:
        """The outcome of each refund that ReturnGo asked for."""
        return [transaction["status"] for transaction in self._rma(asked)["transactions"]]

    def payments(self, credit: Credit) -> list[Decimal]:
        """Customer payments on a credit."""
        return [amount for _, amount in self.payments_by_method(credit)]

    def payments_by_method(self, credit: Credit) -> list[tuple[str, Decimal]]:
        """Payment method and amount of the customer payments on a credit."""
        return [
            (payment["method"], Decimal(payment["amount"]))
            for payment in self.state()["brightpearl"]["payments"]
            if payment["order_id"] == credit.credit_id
        ]

    def on_sale(self, sku: str) -> int:
        """Units of a SKU in the main warehouse that a customer may buy: not those in quarantine."""
        held = self.state()["brightpearl"]["stock"]
        return sum(
            place["quantity"]
            for place in held
            if (place["sku"], place["warehouse_id"], place["is_quarantine"]) == (sku, MAIN, False)
        )

    def stock(self, sku: str, warehouse_id: int) -> int:
        """Units of a SKU on hand in a warehouse, quarantine included."""
        held = self.state()["brightpearl"]["stock"]
        return sum(place["quantity"] for place in held if (place["sku"], place["warehouse_id"]) == (sku, warehouse_id))

    def goods_in(self, credit: Credit) -> int:
        """Units booked in on a credit."""
        notes = self.state()["brightpearl"]["goods_in"]
        return sum(
            line["quantity"] for note in notes if note["credit_id"] == credit.credit_id for line in note["lines"]
        )

    def transferred(self, sku: str) -> int:
        """Units of a SKU on transfers out of the Returns warehouse, shipped or not."""
        state = self.state()["brightpearl"]
        (product_id,) = {place["product_id"] for place in state["stock"] if place["sku"] == sku}
        lines = [line for transfer in state["transfers"] for line in transfer["lines"]]
        return sum(line["quantity"] for line in lines if line["product_id"] == product_id)

    def exceptions(self, asked: Return) -> set[str]:
        """The codes of the open exceptions about a return."""
        return {code for code, *_ in self.open_exceptions(asked)}

    def open_exceptions(self, asked: Return) -> list[tuple[str, str, int, str | None]]:
        """Code, owner, number and suggestion of the open exceptions about a return."""
        with database.connect() as connection:
            return connection.execute(
                "SELECT code, owner, exception_id, suggestion FROM exceptions_open WHERE rma_id = %s ORDER BY code",
                [asked.rma_id],
            ).fetchall()

    def severity_of(self, asked: Return, code: str) -> str:
        """How grave an open exception about a return is."""
        with database.connect() as connection:
            ((severity,),) = connection.execute(
                "SELECT severity FROM exceptions_open WHERE rma_id = %s AND code = %s", [asked.rma_id, code]
            ).fetchall()
        return str(severity)

    def history(self, asked: Return, code: str) -> list[str]:
        """What happened to an exception about a return, in order."""
        with database.connect() as connection:
            rows = connection.execute(
                "SELECT what FROM exception_history JOIN exceptions USING (exception_id) WHERE rma_id = %s AND code = %s ORDER BY at",
                [asked.rma_id, code],
            ).fetchall()
        return [row[0] for row in rows]

    def rules_of(self, asked: Return) -> set[str]:
        """The version of the rules by which its writes were planned."""
        with database.connect() as connection:
            rows = connection.execute(
                "SELECT DISTINCT a.detail->>'rules' FROM audit a JOIN effect e USING (effect_id) "
                "WHERE a.what = 'planned' AND (e.payload->'subject'->>'rma_id')::bigint = %s",
                [asked.rma_id],
            ).fetchall()
        return {row[0] for row in rows}

    def transactions(self, asked: Return) -> list[int]:
        """The numbers of the refunds that ReturnGo asked for."""
        return [transaction["id"] for transaction in self._rma(asked)["transactions"]]

    def receipts_without_return(self, credit_id: int) -> int:
        """Open exceptions about goods on a credit that no return announced."""
        with database.connect() as connection:
            (found,) = connection.execute(
                """SELECT count(*) FROM exceptions_open e JOIN returns_receipts r ON e.subject_id = r.receipt_line_id::text
                    WHERE e.code = 'receipt_without_return' AND r.credit_id = %s""",
                [credit_id],
            ).fetchone()
        return int(found)

    def matched(self, asked: Return) -> list[tuple[int, int, int]]:
        """Announced, received and credited units of each line, side by side."""
        with database.connect() as connection:
            return connection.execute(
                """SELECT announced_quantity, received_quantity, credited_quantity FROM finance_three_way_match
                    WHERE rma_id = %s ORDER BY return_line_id""",
                [asked.rma_id],
            ).fetchall()

    def attempts_of(self, kind: str, outcome: str) -> int:
        """How many calls of a kind of effect had an outcome."""
        with database.connect() as connection:
            (found,) = connection.execute(
                "SELECT count(*) FROM effect_attempt JOIN effect e USING (effect_id) WHERE e.kind = %s AND outcome = %s",
                [kind, outcome],
            ).fetchone()
        return int(found)

    def states_of(self, kind: str) -> set[str]:
        """The states of all effects of a kind."""
        with database.connect() as connection:
            return {
                row[0] for row in connection.execute("SELECT DISTINCT state::text FROM effect WHERE kind = %s", [kind])
            }

    def ledger(self, asked: Return) -> list[tuple[str, str]]:
        """Kind and state of our own effects for a return, in the order in which they were planned."""
        with database.connect() as connection:
            return connection.execute(
                "SELECT kind, state::text FROM effect WHERE (payload->'subject'->>'rma_id')::bigint = %s ORDER BY effect_id",
                [asked.rma_id],
            ).fetchall()

    def _rma(self, asked: Return) -> dict[str, Any]:
        found = [rma for rma in self.state()["returngo"]["rmas"] if rma["rma_id"] == asked.rma_id]
        return dict(found[0])
