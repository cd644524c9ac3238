"""What must hold after every step of a simulation, checked on the account's true state and its log of requests."""

import re
from collections import Counter

from returns_pipeline.domain.findings import findings_from_effects
from returns_pipeline.effects import kinds
from returns_pipeline.storage import ledger
from returns_pipeline.storage.ledger import audit
from returns_pipeline_tests.faults.simulation import Simulation
from returns_pipeline_tests.faults.trade import Part, Sale

_CLOSE = re.compile(r"/order-service/sales-credit/(\d+)/close$")
_NOT_CARRIED_OUT = ("not_sent", "not_executed", "refused")


class Broken(AssertionError):
    """An invariant does not hold; the message begins with its number."""


class Observer:
    """Looks at a simulation from the side; remembers what may not change."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._payloads: dict[int, bytes] = {}
        self._requests = 0
        self._writes: Counter[str] = Counter()
        self._audited = audit.head(simulation.connection).seq

    @property
    def writes(self) -> int:
        """How many writes have reached the account so far."""
        self._read_log()
        return self._writes.total()

    def look(self) -> None:
        """Checks all that must hold at any moment.

        Raises:
            Broken: something does not.
        """
        self._read_log()
        effects = self._simulation.effects()
        for sale in self._simulation.sales:
            self._one_object_each(sale)
            self._no_more_than_sold(sale)
        tried = self._tries()
        for effect in effects:
            self._frozen(effect)
            self._sent_at_most_once(effect, *tried[effect.business_key])

    def look_at_the_end(self) -> None:
        """Checks what must hold once nothing moves any more: nothing is lost, and what is confirmed stands there.

        Raises:
            Broken: something does not.
        """
        self.look()
        for effect in self._simulation.effects("confirmed"):
            self._stands(effect)
        for sale in self._simulation.sales:
            for part in sale.parts:
                self._is_in_its_place(sale, part)
        broken = audit.verify_since(self._simulation.connection, self._audited)
        _must(broken is None, f"I18: audit row {broken} does not follow from the one before")

    def look_at_exceptions(self) -> None:
        """Checks that everything in trouble is told.

        Raises:
            Broken: an effect is in trouble and on nobody's list.
        """
        told = {
            finding.subject_id for finding in findings_from_effects(ledger.read_effects(self._simulation.connection))
        }
        for effect in self._simulation.effects("unknown", "halted", "rejected"):
            _must(effect.business_key in told, f"I20: {effect} is {effect.state} and nobody is told")

    def _one_object_each(self, sale: Sale) -> None:
        for part in sale.parts:
            standing = self._simulation.standing(sale.reference(part))
            _must(len(standing) <= 1, f"I02: {len(standing)} credits carry {sale.reference(part)}")
        references = (each.transaction_ref for each in self._simulation.account.world.payments.values())
        payments = Counter(each for each in references if str(each).startswith("rg-"))
        _must(all(count == 1 for count in payments.values()), f"I02: a payment stands twice: {payments}")

    def _no_more_than_sold(self, sale: Sale) -> None:
        ours = [credit for credit in self._simulation.credits_of(sale) if credit.order_id not in sale.foreign_ids]
        rows = [row for credit in ours for row in credit.rows.values()]
        quantity = sum(row.quantity for row in rows)
        net, tax = sum(round(row.net * 100) for row in rows), sum(round(row.tax * 100) for row in rows)
        _must(quantity <= sale.quantity, f"I03: {quantity} of {sale.quantity} units are credited")
        _must(
            (net <= sale.net_minor, tax <= sale.tax_minor) == (True, True),
            f"I04: {net} and {tax} are credited of {sale}",
        )
        if quantity == sale.quantity:
            _must(
                (net, tax) == (sale.net_minor, sale.tax_minor),
                f"I04: all units are credited at {net} and {tax}: {sale}",
            )
        for credit in ours:
            received = all(row.received == row.quantity for row in credit.rows.values())
            _must(
                received or credit.invoice_reference == "",
                f"I07: credit {credit.order_id} is posted before its goods came",
            )

    def _frozen(self, effect: ledger.Effect) -> None:
        if effect.attempt > 0:
            before = self._payloads.setdefault(effect.effect_id, effect.payload_sha256)
            _must(before == effect.payload_sha256, f"I12: the payload of {effect} changed after it was sent")

    def _tries(self) -> dict[str, tuple[int, int]]:
        """Business key -> how often it was marked as being sent, and how often a call was provably not carried out."""
        rows = self._simulation.connection.execute(
            """SELECT e.business_key, sum((SELECT count(*) FROM audit a WHERE a.effect_id = e.effect_id AND a.what = 'sending'))::int,
                 sum((SELECT count(*) FROM effect_attempt t WHERE t.effect_id = e.effect_id AND t.outcome = ANY(%s)))::int
               FROM effect e WHERE (e.payload->'subject'->>'order_id')::bigint = ANY(%s) GROUP BY e.business_key""",
            [list(_NOT_CARRIED_OUT), [sale.order_id for sale in self._simulation.sales]],
        )
        return {key: (marked, not_carried_out) for key, marked, not_carried_out in rows}

    def _sent_at_most_once(self, effect: ledger.Effect, marked: int, not_carried_out: int) -> None:
        sent = self._writes[_address(effect)]
        _must(sent <= marked, f"I18: {effect} was sent {sent} times and audited before it {marked} times")
        may_repeat = (
            self._simulation.settings.brightpearl.dedupe == "proven"
            or effect.kind not in kinds.MAKING
            or effect.business_key in self._simulation.retried_by_hand
        )
        _must(
            may_repeat or sent <= 1 + not_carried_out,
            f"I14: {effect} was sent {sent} times, of which {not_carried_out} were not carried out",
        )

    def _stands(self, effect: ledger.Effect) -> None:
        world = self._simulation.account.world
        if effect.kind == "refund.record":
            _must(len(self._simulation.payments_of(effect)) == 1, f"I11: {effect} is confirmed, and no payment stands")
            return
        credit = world.orders.get(int(str(effect.remote_id)))
        _must(credit is not None, f"I11: {effect} is confirmed, and there is no credit {effect.remote_id}")
        assert credit is not None
        if effect.kind == "credit.post":
            _must(credit.is_invoiced, f"I11: {effect} is confirmed, and credit {credit.order_id} is not posted")
        elif effect.kind == "credit.cancel":
            _must(credit.is_cancelled, f"I11: {effect} is confirmed, and credit {credit.order_id} stands")
        else:
            (expected,) = effect.expect["rows"]
            seen = [(row.quantity, round(row.net * 100), round(row.tax * 100)) for row in credit.rows.values()]
            wanted = (expected["quantity"], expected["net_minor"], expected["tax_minor"])
            _must(seen == [wanted], f"I11: {effect} meant {wanted}, and credit {credit.order_id} has {seen}")

    def _is_in_its_place(self, sale: Sale, part: Part) -> None:
        for credit in self._simulation.standing(sale.reference(part)):
            if not any(row.received for row in credit.rows.values()) or credit.invoice_reference not in ("", "pending"):
                continue
            key = f"post:{credit.order_id}"
            told = key in self._simulation.refused or any(
                effect.state in ("unknown", "halted", "rejected") and effect.subject["part"] == part.number
                for effect in self._simulation.effects()
            )
            was_given_up = key in self._simulation.retried_by_hand
            _must(
                told or was_given_up,
                f"I10: goods came on credit {credit.order_id}, it is not posted, and nobody is told",
            )

    def _read_log(self) -> None:
        for entry in self._simulation.account.server.log.entries(after=self._requests):
            self._requests += 1
            if entry.method != "GET":
                self._writes[_address_of(entry.path, entry.body)] += 1


def _address(effect: ledger.Effect) -> str:
    return _address_of(effect.request["path"], effect.request["body"])


def _address_of(path: str, body: object) -> str:
    named = body if isinstance(body, dict) else {}
    closed = _CLOSE.search(path)
    if closed:
        return f"close {closed[1]}"
    return str(
        named.get("externalRef") or named.get("transactionRef") or path.rsplit("/public-api/", 1)[-1].split("/", 1)[-1]
    )


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)
