"""Looking up each kind of effect: what proves that it happened, and what does not."""

import datetime as dt

import pytest

from returns_pipeline.effects import guards
from returns_pipeline.effects.sightings import look
from returns_pipeline.storage.ledger.effect import Effect

NOW = dt.datetime(2026, 2, 2, 10, tzinfo=dt.UTC)


class Shelf:
    """What the accounts hold, as a reader shows it."""

    def __init__(self, **held: object) -> None:
        self.held = held

    def forget(self) -> None:
        """Nothing is remembered here."""

    def credits(self, credit_ids):
        return [credit for credit in self.held.get("credits", []) if credit["credit_id"] in credit_ids]

    def invoice_references(self, credit_ids):
        known = {credit["credit_id"]: credit["invoice_reference"] for credit in self.held.get("credits", [])}
        return [known.get(credit_id) for credit_id in credit_ids]

    def credits_by_reference(self, reference):
        return self.held.get("by_reference", [])

    def credits_of_order(self, order_id):
        return self.held.get("of_order", [])

    def goods_in_notes(self, credit_ids):
        return [note for note in self.held.get("notes", []) if note["credit_id"] in credit_ids]

    def payments(self, credit_id):
        return self.held.get("payments", [])

    def stock_transfers(self, transfer_ids):
        return [
            transfer for transfer in self.held.get("transfers", []) if transfer["stock_transfer_id"] in transfer_ids
        ]

    def is_shipped(self, note_id):
        return note_id in self.held.get("shipped", [])

    def shipment_status(self, shop, rma_id, shipment_id):
        return self.held.get("status")


def effect(
    kind: str, expect: dict | None = None, body: dict | None = None, reference: str | None = None, **subject: int
) -> Effect:
    payload = {
        "request": {"body": body or {}},
        "expect": expect or {},
        "subject": {"rma_id": 77, "order_id": 5001, **subject},
    }
    return Effect(1, "uk", kind, "key", reference, payload, b"", "unknown", None, 1, 5, None, NOW, NOW, NOW, 0)


def credit(credit_id: int = 801, **more: object) -> dict:
    return {
        "credit_id": credit_id,
        "external_ref": "rg-1",
        "is_cancelled": False,
        "invoice_reference": "",
        "order_status_id": 21,
        "payment_status": "UNPAID",
        "rows": [],
        **more,
    }


NOTE = {"goods_note_id": 9, "credit_id": 801, "user_batch_reference": "rg-77-1", "lines": [{"quantity": 1}]}
PAYMENT = {"payment_id": 4, "transaction_ref": "rg-5-801", "amount_minor": 1200, "currency": "GBP"}
TRANSFER = {"stock_transfer_id": 6, "reference": "rt-1", "goods_out_note_id": 0}


@pytest.mark.parametrize(
    ("kind", "held", "subject", "seen"),
    [
        ("credit.raise", {}, {}, "absent"),
        ("credit.raise", {"by_reference": [credit()]}, {}, "found"),
        ("credit.raise", {"of_order": [credit()]}, {}, "found"),
        ("credit.raise", {"of_order": [credit(external_ref="other")]}, {}, "absent"),
        ("credit.raise", {"by_reference": [credit(is_cancelled=True)]}, {}, "cancelled"),
        ("credit.raise", {"by_reference": [credit(is_cancelled=True), credit(802)]}, {}, "found"),
        ("credit.raise", {"by_reference": [credit(), credit(802)]}, {}, "several"),
        ("credit.post", {}, {"credit_id": 801}, "absent"),
        ("credit.post", {"credits": [credit()]}, {"credit_id": 801}, "absent"),
        ("credit.post", {"credits": [credit(invoice_reference="pending")]}, {"credit_id": 801}, "pending"),
        ("credit.post", {"credits": [credit(invoice_reference="SC-1")]}, {"credit_id": 801}, "found"),
        ("transfer.dispatch", {"transfers": [TRANSFER]}, {"transfer_id": 6}, "absent"),
        ("transfer.dispatch", {"transfers": [{**TRANSFER, "goods_out_note_id": 12}]}, {"transfer_id": 6}, "found"),
        ("transfer.ship", {}, {"goods_out_note_id": 12}, "absent"),
        ("transfer.ship", {"shipped": [12]}, {"goods_out_note_id": 12}, "found"),
        ("transfer.release", {}, {}, "blind"),
        ("transfer.create", {"transfers": [TRANSFER]}, {}, "blind"),
    ],
)
def test_a_look_shows_what_stands_there(kind, held, subject, seen):
    """F06, F29, F44: found is confirmed, several is for a person, absent is not yet proof, blind never becomes proof."""
    assert look(Shelf(**held), effect(kind, reference="rg-1", **subject), []).state == seen


def test_an_answers_id_is_the_first_road():
    """The index lags; the record does not."""
    assert look(Shelf(credits=[credit()]), effect("credit.raise", reference="rg-1"), ["801"]).remote_id == "801"
    assert look(Shelf(transfers=[TRANSFER]), effect("transfer.create", reference="rt-1"), ["6"]).state == "found"


@pytest.mark.parametrize(
    ("shown", "seen"), [("Shipped", "absent"), ("Received", "absent"), ("Validated", "found"), (None, "absent")]
)
def test_a_parcel_is_confirmed_when_its_status_is_as_set_or_later(shown, seen):
    """Setting it again writes another comment on the customer's return."""
    confirmation = effect("returngo.receive", body={"status": "Validated"}, shipment_id=55)
    assert look(Shelf(status=shown), confirmation, []).state == seen


def test_a_goods_in_note_is_found_by_its_batch_reference():
    """A second note would put the goods into stock twice."""
    booked = effect("goods_in.write", {"lines": [{"quantity": 1}]}, reference="rg-77-1", credit_id=801)
    assert look(Shelf(notes=[NOTE]), booked, []).remote_id == "9"
    assert look(Shelf(notes=[{**NOTE, "user_batch_reference": "other"}]), booked, []).state == "absent"
    assert look(Shelf(notes=[{**NOTE, "lines": [{"quantity": 2}]}]), booked, []).state == "mismatch"


def test_a_payment_is_found_by_its_transaction_reference():
    """Two payments on one credit overpay the customer in the books."""
    recorded = effect(
        "refund.record", {"amount_minor": 1200, "currency": "GBP"}, {"transactionRef": "rg-5-801"}, credit_id=801
    )
    assert look(Shelf(payments=[PAYMENT]), recorded, []).remote_id == "4"
    assert look(Shelf(payments=[{**PAYMENT, "amount_minor": 1100}]), recorded, []).state == "mismatch"
    assert look(Shelf(payments=[{**PAYMENT, "transaction_ref": "by hand"}]), recorded, []).state == "absent"


@pytest.mark.parametrize(("net", "seen"), [(1000, "found"), (2000, "absent")])
def test_an_amended_row_is_known_by_its_figures(net, seen):
    """The request says what the row must show; anything else means that it did not happen."""
    steps = {"/quantity/magnitude": "1", "/rowValue/rowNet/value": "10.00", "/rowValue/rowTax/value": "2.00"}
    amendment = effect("credit.amend", credit_id=801)
    body = [{"op": "replace", "path": path, "value": value} for path, value in steps.items()]
    amendment.payload["request"].update(method="PATCH", path="/order-service/order/801/row/8011", body=body)
    row = {"credit_row_id": 8011, "quantity": 1, "net_minor": net, "tax_minor": 200}
    assert look(Shelf(credits=[credit(currency="GBP", rows=[row])]), amendment, []).state == seen


def test_a_removed_row_is_known_by_its_absence():
    """Deleting it again would be refused and halt for nothing."""
    removal = effect("credit.amend", credit_id=801)
    removal.payload["request"].update(method="DELETE", path="/order-service/order/801/row/8011", body=None)
    assert look(Shelf(credits=[credit()]), removal, []).state == "found"
    assert look(Shelf(credits=[credit(rows=[{"credit_row_id": 8011}])]), removal, []).state == "absent"


@pytest.mark.parametrize("kind", ["credit.cancel", "credit.annotate"])
def test_a_change_is_known_by_the_state_it_leaves(kind):
    """These make no object: the credit itself tells."""
    change = effect(kind, {"order_status_id": 24}, credit_id=801)
    assert look(Shelf(credits=[credit(order_status_id=24)]), change, []).state == "found"
    assert look(Shelf(credits=[credit()]), change, []).state == "absent"


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ({"credits": [credit()]}, None),
        ({"credits": [credit()], "notes": [NOTE]}, "cancelled_but_received"),
        ({"credits": [credit(payment_status="PAID")]}, "cancelled_but_paid"),
        ({"credits": [credit(invoice_reference="SC-1")]}, "credit_posted"),
        ({"credits": [credit(invoice_reference="pending")]}, "credit_posted"),
        ({}, "credit_gone"),
    ],
)
def test_a_credit_is_cancelled_only_while_it_is_empty(connection, held, code):
    """Scenario 9: goods that came, money that went or a posted credit are CX's and finance's, not a cancellation's."""
    objection = guards.objections(connection, Shelf(**held), [effect("credit.cancel", credit_id=801)]).get(1)
    assert (objection.reason.split(":")[0] if objection else None) == code
