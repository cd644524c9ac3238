"""Looks for what an effect may have made or changed in the other system. GET only; what follows from a sighting is decided in `settle.py`.

A hit is proof once it was read by its id; a miss of a search is never proof by itself, because a search is an index and lags.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from returns_pipeline.domain.money import decimal_text
from returns_pipeline.effects.compare import differences
from returns_pipeline.effects.reading import Reader, Row
from returns_pipeline.storage.ledger.effect import Effect

# ReturnGo's shipment statuses from the earliest on; one that is later than the one we set is as good.
_SHIPMENT_ORDER = ("Pending", "LabelCreated", "Shipped", "Received", "Validated")


@dataclass(frozen=True)
class Sighting:
    """What a look showed.

    Attributes:
        state: found (and it matches), mismatch, several, cancelled (it was made, and somebody took it back), absent, pending (under way over there)
            or blind (it cannot be looked up).
        remote_id: of what was found.
        detail: what differs, or which ids there are.
    """

    state: str
    remote_id: str | None = None
    detail: str = ""


ABSENT = Sighting("absent")


def look(reader: Reader, effect: Effect, seen_ids: list[str]) -> Sighting:
    """Looks once.

    Args:
        reader: the accounts.
        effect: whose outcome is unknown.
        seen_ids: ids that answers named, the surest road.

    Raises:
        ReadFailed: it could not be read; that is not absence.
    """
    return _LOOKS[effect.kind](reader, effect, seen_ids)


def _raised(reader: Reader, effect: Effect, seen_ids: list[str]) -> Sighting:
    standing = {credit["credit_id"]: credit for credit in reader.credits([int(each) for each in seen_ids])}
    if not standing:
        standing = {credit["credit_id"]: credit for credit in reader.credits_by_reference(str(effect.remote_ref))}
    if not standing:
        order_id = int(effect.subject["order_id"])
        standing = {credit["credit_id"]: credit for credit in reader.credits_of_order(order_id)}
    made = [credit for credit in standing.values() if credit["external_ref"] == effect.remote_ref]
    ours = [credit for credit in made if not credit["is_cancelled"]]
    if not ours:
        return Sighting("cancelled", str(made[0]["credit_id"])) if made else ABSENT
    if len(ours) > 1:
        return Sighting("several", detail=", ".join(str(credit["credit_id"]) for credit in ours))
    return _compared(effect, str(ours[0]["credit_id"]), ours[0])


def _changed_credit(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    credit_id = int(effect.subject["credit_id"])
    standing = reader.credits([credit_id])
    if not standing or differences(effect.expect, standing[0]):
        return ABSENT
    return Sighting("found", str(credit_id))


def _amended(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    """A row brought to other figures, removed or added: the request itself says to what; an added one is known by its name."""
    standing = reader.credits([int(effect.subject["credit_id"])])
    if not standing:
        return ABSENT
    credit = standing[0]
    if effect.request["method"] == "POST":
        named = [row for row in credit["rows"] if row["name"] == effect.request["body"]["productName"]]
        if len(named) > 1:
            return Sighting("several", detail=", ".join(str(row["credit_row_id"]) for row in named))
        return Sighting("found", str(credit["credit_id"])) if named else ABSENT
    row_id = int(str(effect.request["path"]).rsplit("/", 1)[1])
    row = next((row for row in credit["rows"] if row["credit_row_id"] == row_id), None)
    if effect.request["method"] == "DELETE":
        is_done = row is None
    else:
        wanted = {str(step["path"]): Decimal(str(step["value"])) for step in effect.request["body"]}
        is_done = row is not None and wanted == {
            "/quantity/magnitude": Decimal(row["quantity"]),
            "/rowValue/rowNet/value": Decimal(decimal_text(row["net_minor"], credit["currency"])),
            "/rowValue/rowTax/value": Decimal(decimal_text(row["tax_minor"], credit["currency"])),
        }
    return Sighting("found", str(credit["credit_id"])) if is_done else ABSENT


def _posted(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    credit_id = int(effect.subject["credit_id"])
    (reference,) = reader.invoice_references([credit_id])
    if reference == "pending":
        return Sighting("pending", str(credit_id))
    return Sighting("found", str(credit_id)) if reference else ABSENT


def _goods_in(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    notes = reader.goods_in_notes([int(effect.subject["credit_id"])])
    return _one_of(
        effect, [(note["goods_note_id"], note) for note in notes if note["user_batch_reference"] == effect.remote_ref]
    )


def _refund(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    reference = effect.request["body"]["transactionRef"]
    payments = reader.payments(int(effect.subject["credit_id"]))
    return _one_of(
        effect, [(payment["payment_id"], payment) for payment in payments if payment["transaction_ref"] == reference]
    )


def _transfer(reader: Reader, effect: Effect, seen_ids: list[str]) -> Sighting:
    # There is no search of transfers by reference: only an answer that named the id leads to one.
    transfers = reader.stock_transfers([int(each) for each in seen_ids])
    found = [
        (transfer["stock_transfer_id"], transfer)
        for transfer in transfers
        if transfer["reference"] == effect.remote_ref
    ]
    return _one_of(effect, found) if found else Sighting("blind")


def _dispatched(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    transfers = reader.stock_transfers([int(effect.subject["transfer_id"])])
    note_ids = [transfer["goods_out_note_id"] for transfer in transfers if transfer["goods_out_note_id"]]
    return Sighting("found", str(note_ids[0])) if note_ids else ABSENT


def _shipped(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    note_id = int(effect.subject["goods_out_note_id"])
    return Sighting("found", str(note_id)) if reader.is_shipped(note_id) else ABSENT


def _released(_: Reader, __: Effect, ___: list[str]) -> Sighting:
    return Sighting("blind")


def _confirmed_parcel(reader: Reader, effect: Effect, _: list[str]) -> Sighting:
    shipment_id = int(effect.subject["shipment_id"])
    status = reader.shipment_status(effect.shop, int(effect.subject["rma_id"]), shipment_id)
    wanted = effect.request["body"]["status"]
    if (
        status in _SHIPMENT_ORDER
        and wanted in _SHIPMENT_ORDER
        and _SHIPMENT_ORDER.index(status) >= _SHIPMENT_ORDER.index(wanted)
    ):
        return Sighting("found", str(shipment_id))
    return ABSENT


def _one_of(effect: Effect, found: list[tuple[int, Row]]) -> Sighting:
    if not found:
        return ABSENT
    if len(found) > 1:
        return Sighting("several", detail=", ".join(str(remote_id) for remote_id, _ in found))
    return _compared(effect, str(found[0][0]), found[0][1])


def _compared(effect: Effect, remote_id: str, seen: Row) -> Sighting:
    differing = differences(effect.expect, seen)
    return Sighting("mismatch", remote_id, "; ".join(differing[:5])) if differing else Sighting("found", remote_id)


_LOOKS: dict[str, Callable[[Reader, Effect, list[str]], Sighting]] = {
    "credit.raise": _raised,
    "credit.cancel": _changed_credit,
    "credit.amend": _amended,
    "credit.annotate": _changed_credit,
    "credit.post": _posted,
    "goods_in.write": _goods_in,
    "refund.record": _refund,
    "transfer.create": _transfer,
    "transfer.dispatch": _dispatched,
    "transfer.ship": _shipped,
    "transfer.release": _released,
    "returngo.receive": _confirmed_parcel,
}
