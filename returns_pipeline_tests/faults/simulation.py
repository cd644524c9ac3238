"""A sale, its returns and everybody who acts on them, step by step: the real writer, ledger and HTTP against the sandbox's account.

Time passes only by `advance`: the account's clock goes forward, and every moment that the ledger holds goes back by as much.
What must hold after each step is in `invariants.py`; who chooses the steps is in `campaign.py` and `test_random.py`.
"""

import datetime as dt
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import psycopg

from returns_pipeline.domain.money import decimal_text
from returns_pipeline.domain.plans import EffectPlan
from returns_pipeline.effects.runner import DrainReport, Runner
from returns_pipeline.effects.settle import settle
from returns_pipeline.sandbox.brightpearl import credits as credit_verbs
from returns_pipeline.sandbox.brightpearl.records import Order
from returns_pipeline.sandbox.faults import Fault, FaultPlan, interceptor
from returns_pipeline.settings import Settings
from returns_pipeline.storage import frames, ledger
from returns_pipeline.storage.ledger import acts, audit
from returns_pipeline.storage.ledger.effect import COLUMNS, fetch
from returns_pipeline_tests.faults import trade
from returns_pipeline_tests.faults.trade import Part, Sale
from returns_pipeline_tests.faults.workers import KINDS, Accounts, Clock, KeptConnections, Killed
from returns_pipeline_tests.sandbox.account import Account
from returns_pipeline_tests.storage import rows
from returns_pipeline_tests.storage.ledger import books

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
[effects]
refunds = "live"
[ledger]
request_deadline_seconds = 10
close_wait_seconds = 2
"""


class Simulation:
    """Sales, the account that holds the truth, and the ledger between them.

    Args:
        connection: of the observer and the operator; the workers have their own.
        url: of the database, where it is not the environment's.
        settings: with dedupe proven or unproven; the account follows it.
        seed: of every choice that is not a step.
    """

    def __init__(self, connection: psycopg.Connection, settings: Settings, seed: int, url: str | None = None) -> None:
        self.connection, self.connect, self.settings = connection, KeptConnections(url), settings
        self.random = random.Random(seed)  # noqa: S311 - replayed by its seed
        self.faults = FaultPlan()
        self.account = Account(
            interceptor=interceptor(self.faults, "brightpearl"),
            dedupe_credits=settings.brightpearl.dedupe == "proven",
        )
        self.clock = Clock()
        self.injected: Counter[str] = Counter()
        self.sales: list[Sale] = []
        self.refused: dict[str, str] = {}
        self.retried_by_hand: set[str] = set()
        self.reach: Callable[[str], None] = lambda _: None
        self._numbers = itertools.count(1)
        self._received: dict[int, int] = {}
        self._rma_ids = itertools.count(self.random.randrange(10**6, 10**8))
        self.account.clock.move_to(dt.datetime.now(dt.UTC))

    def close(self) -> None:
        """Ends the account's server and the workers' connections."""
        self.account.server.stop()
        self.connect.close()

    # The shop and its customers.

    def sell(self, quantity: int, parts: Sequence[int]) -> Sale:
        """A sale of one row with a tax that does not divide evenly, and the parts that come back."""
        net_minor, tax_minor = 1001 * quantity + 1, 200 * quantity + 1
        rma_id = next(self._rma_ids)
        sold = (self.account.shirt, quantity, decimal_text(net_minor, "GBP"), decimal_text(tax_minor, "GBP"), "T20")
        order_id = self.account.sale(sold, external_ref=str(rma_id))
        row_id = self.account.row_ids(order_id)[0]
        made, taken = [], 0
        for number, units in enumerate(parts, 1):
            upto = taken + units
            net, tax = (total * upto // quantity - total * taken // quantity for total in (net_minor, tax_minor))
            made.append(Part(number, units, net, tax))
            taken = upto
        sale = Sale(rma_id, order_id, row_id, self.account.shirt, quantity, net_minor, tax_minor, made)
        books.balance(self.connection, row_id, quantity, net_minor, tax_minor, order_id)
        # What was over before must not look newer than what is sent from now on, whose moments go back with each advance.
        self.connection.execute("UPDATE effect SET sent_at = '2000-01-01' WHERE sent_at > '2000-01-01'")
        self.sales = [sale]
        return sale

    def sell_to_another(self) -> None:
        """Some other credit of the account, by which a search shows that it has caught up."""
        with self.account.world.lock:
            credit_verbs.create_sales_credit(
                self.account.world, self.account.credit_body(externalRef=f"other-{next(self._numbers)}")
            )

    def withdraw(self, sale: Sale, part: Part) -> None:
        """The customer changes their mind."""
        part.is_withdrawn = True

    def receive(self, sale: Sale, part: Part) -> None:
        """The warehouse books the goods in against the credit, if it stands there unreceived."""
        for credit in self.standing(sale.reference(part))[:1]:
            if not any(row.received for row in credit.rows.values()):
                self.account.receive(credit.order_id)

    def clone_by_hand(self, sale: Sale) -> None:
        """Staff credit one unit by a clone of the sale, and tell nobody."""
        with self.account.world.lock:
            sale.foreign_ids.append(
                credit_verbs.clone_order_to_credit(self.account.world, sale.order_id, {sale.row_id: 1})
            )

    def close_by_hand(self, sale: Sale, part: Part) -> None:
        """Finance posts a received credit of ours themselves."""
        for credit in self.standing(sale.reference(part))[:1]:
            if credit.invoice_reference == "" and any(row.received for row in credit.rows.values()):
                with self.account.world.lock:
                    credit_verbs.close_credit(self.account.world, credit.order_id, None)

    def cancel_by_hand(self, sale: Sale, part: Part) -> None:
        """Staff call an expected return off in Brightpearl."""
        for credit in self.standing(sale.reference(part))[:1]:
            if credit.invoice_reference == "" and not any(row.received for row in credit.rows.values()):
                with self.account.world.lock:
                    credit_verbs.cancel_credit(self.account.world, credit.order_id)

    # The account as it truly is.

    def standing(self, reference: str | None = None) -> list[Order]:
        """Our credits that are not cancelled; of one reference, or all."""
        return [
            order
            for order in self.account.world.orders.values()
            if order.order_type == "SC"
            and not order.is_cancelled
            and (order.external_ref == reference if reference else str(order.external_ref).startswith("rg-"))
        ]

    def credits_of(self, sale: Sale) -> list[Order]:
        """All credits of a sale that are not cancelled, ours and others'."""
        return [credit for credit in self.account.world.credits_of(sale.order_id) if not credit.is_cancelled]

    # Time, gates and people.

    def advance(self, seconds: float) -> None:
        """Time passes, for the account, for the searches and for the ledger."""
        self.clock.now += seconds
        world = self.account.world
        with world.lock:
            world.clock.advance(dt.timedelta(seconds=seconds))
            for versions in world._versions.values():
                versions[:] = [(seen_from - seconds, order) for seen_from, order in versions]
        shift = dt.timedelta(seconds=seconds)
        self.connection.execute(
            """UPDATE effect SET sent_at = sent_at - %(by)s, lease_until = lease_until - %(by)s, not_before = not_before - %(by)s,
                 reconcile_after = reconcile_after - %(by)s, created_at = created_at - %(by)s
               WHERE sent_at > '2000-01-01' OR state NOT IN ('confirmed', 'voided')""",
            {"by": shift},
        )
        self.connection.execute("UPDATE sink_stops SET probe_after = probe_after - %s", [shift])

    def gate(self, is_open: bool) -> None:
        books.open_gates(self.connection, passed=is_open)

    def decide(self, effect: ledger.Effect) -> None:
        """An operator looks into Brightpearl, and then adopts what stands there, tries again or calls it off."""
        sale, part = self._of(effect)
        there = self.standing(sale.reference(part))
        if (
            effect.kind == "credit.raise"
            and len(there) == 1
            and effect.state == "halted"
            or effect.kind == "credit.post"
            and effect.state == "halted"
            and there
            and there[0].is_invoiced
        ):
            self._act(acts.adopt, effect, str(there[0].order_id))
        elif effect.kind == "refund.record" and effect.state == "halted" and self.payments_of(effect):
            self._act(acts.adopt, effect, str(self.payments_of(effect)[0]))
        elif effect.kind == "credit.raise" and not self._was_made(sale.reference(part)) and not part.is_withdrawn:
            self.retried_by_hand.add(effect.business_key)
            self._act(acts.retry, effect)
        else:
            self.retried_by_hand.add(effect.business_key)
            self._act(acts.void, effect)

    def payments_of(self, effect: ledger.Effect) -> list[int]:
        """Payments that stand under an effect's reference."""
        reference = effect.request["body"]["transactionRef"]
        return [each.payment_id for each in self.account.world.payments.values() if each.transaction_ref == reference]

    def _was_made(self, reference: str) -> bool:
        return any(order.external_ref == reference for order in self.account.world.orders.values())

    def _act(self, act: Callable[..., None], effect: ledger.Effect, *more: str) -> None:
        act(self.connection, effect.effect_id, *more, "operator", "looked into Brightpearl")

    def _of(self, effect: ledger.Effect) -> tuple[Sale, Part]:
        sale = next(sale for sale in self.sales if sale.order_id == effect.subject["order_id"])
        return sale, sale.parts[int(effect.subject["part"]) - 1]

    # The pipeline.

    def plan(self) -> None:
        """Reads the facts and plans what follows from them, as a pass does."""
        plans = [plan for sale in self.sales for plan in self._plans_of(sale)]
        report = ledger.plan(self.connection, plans, "simulation")
        self.refused = dict(report.refused)

    def approve(self) -> None:
        """A person approves what waits."""
        for batch in ledger.waiting(self.connection):
            ledger.approve(self.connection, batch.effect_ids, "Finance", batch.sha256_hex)

    def drain(self, worker: str = "w1", settings: Settings | None = None) -> DrainReport | None:
        """One drain by a worker; None when it died, or ended because its database was gone."""
        accounts = Accounts(self.account, self.reach)
        runner = Runner(accounts, settings or self.settings, worker=worker, connect=self.connect, clock=self.clock)
        try:
            return runner.drain(KINDS)
        except (Killed, psycopg.OperationalError):
            return None
        finally:
            accounts.brightpearl.close()

    def settle(self) -> None:
        """Looks up what is unknown and due."""
        accounts = Accounts(self.account, lambda _: None)
        settle(self.connection, accounts, KINDS, self.settings)
        accounts.brightpearl.close()

    def strike(self, fault: Fault, nth: int = 1) -> None:
        """That fault will hit the nth write from now on."""
        self.faults.add(
            Fault(
                fault.kind,
                method="POST|PUT",
                nth=nth,
                status=fault.status,
                body=fault.body,
                seconds=30.0,
                with_headers=fault.with_headers,
            )
        )

    def calm_faults(self) -> None:
        """Ends what has not struck, and counts what has."""
        for fault in self.faults.to_json():
            if fault["done"]:
                self.injected[f"{fault['kind']} {fault['status']}" if "status" in fault["kind"] else fault["kind"]] += 1
        self.faults.clear()

    def drop_connections(self) -> None:
        """The database ends every session but the observer's."""
        self.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def fingerprint(self) -> tuple[object, ...]:
        """What a step may change: the ledger's audit, and every credit of the sales as it truly is."""
        credits = [
            (credit.order_id, credit.invoice_reference, credit.status_id)
            for sale in self.sales
            for credit in self.account.world.credits_of(sale.order_id)
        ]
        return (audit.head(self.connection), tuple(credits))

    def is_unapproved(self, effect: ledger.Effect) -> bool:
        """Whether a person has to approve it, and none has."""
        row = self.connection.execute(
            "SELECT needs_approval AND approved_batch IS NULL FROM effect WHERE effect_id = %s", [effect.effect_id]
        ).fetchone()
        return bool(row and row[0])

    def effects(self, *states: str) -> list[ledger.Effect]:
        """Effects of the sales, in those states or all."""
        return fetch(
            self.connection,
            f"""SELECT {COLUMNS} FROM effect e WHERE (payload->'subject'->>'order_id')::bigint = ANY(%s)
               AND (state::text = ANY(%s) OR cardinality(%s::text[]) = 0) ORDER BY effect_id""",  # noqa: S608 - a literal
            [[sale.order_id for sale in self.sales], list(states), list(states)],
        )

    def _plans_of(self, sale: Sale) -> Iterable[EffectPlan]:
        self._record_facts(sale)
        for part in sale.parts:
            raised = self._confirmed("credit.raise", sale, part)
            if raised is None:
                if not part.is_withdrawn:
                    yield trade.raising(sale, part, self.settings)
                continue
            credit = self.account.world.orders[int(str(raised.remote_id))]
            if any(row.received for row in credit.rows.values()):
                receipt = self._received.setdefault(credit.order_id, next(self._numbers))
                yield trade.posting(sale, part, credit.order_id, receipt)
                if self._confirmed("credit.post", sale, part):
                    yield trade.refunding(sale, part, credit.order_id)
            elif part.is_withdrawn:
                yield trade.cancelling(sale, part, credit.order_id, self.settings)

    def _record_facts(self, sale: Sale) -> None:
        came = sum(
            sum(row.received for row in credit.rows.values())
            for credit in self.account.world.credits_of(sale.order_id)
            if credit.order_id not in sale.foreign_ids
        )
        books.received(self.connection, came, sale.row_id)
        foreign = [self.account.world.orders[credit_id] for credit_id in sale.foreign_ids]
        foreign_rows = [row for credit in foreign for row in credit.rows.values()]
        money = [(row.quantity, round(row.net * 100), round(row.tax * 100)) for row in foreign_rows]
        books.foreign(
            self.connection, *(sum(column) for column in zip(*money, strict=True)) if money else (0, 0, 0), sale.row_id
        )
        known = [
            {"credit_id": credit.order_id, "order_id": sale.order_id, "shop": books.SHOP, "external_ref": None}
            for credit in foreign
        ]
        sale.known_ids = list(sale.foreign_ids)
        if known:
            frames.upsert(self.connection, "brightpearl/sales_credits", rows.frame("brightpearl_sales_credits", *known))

    def _confirmed(self, kind: str, sale: Sale, part: Part) -> ledger.Effect | None:
        row = self.connection.execute(
            """SELECT effect_id FROM effect WHERE kind = %s AND state = 'confirmed' AND (payload->'subject'->>'order_id')::bigint = %s
               AND (payload->'subject'->>'part')::int = %s ORDER BY effect_id DESC LIMIT 1""",
            [kind, sale.order_id, part.number],
        ).fetchone()
        return ledger.read_one(self.connection, row[0]) if row else None
