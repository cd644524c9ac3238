"""Brightpearl's records: exact money beside four-decimal evidence, no party's name, and no default where a wrong one would be booked."""

import copy
import datetime as dt
from decimal import Decimal

import pytest

from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.records_brightpearl import CreditAsOrder, SalesCredit, SalesOrder, row_money
from returns_pipeline.clients.records_catalogue import Product
from returns_pipeline.clients.records_warehouse import StockTransfer, goods_in_lines, goods_out_note
from returns_pipeline_tests.clients import samples
from returns_pipeline_tests.clients.test_records_returngo import _put


def own(name: str, index: int = 0) -> object:
    """The content of `response` of one of this folder's recordings."""
    return list(samples.exchanges(samples.OWN / "brightpearl" / f"{name}.json"))[index].body["response"]


def parse_all(exchange: samples.Exchange) -> list[object]:
    """Every record of one recorded answer; nothing where the pipeline reads no such resource."""
    response = exchange.body.get("response") if isinstance(exchange.body, dict) else None
    if exchange.method != "GET" or exchange.status != 200 or not response:
        return []
    parsers = {
        "/order-service/order/": SalesOrder.from_api,
        "/order-service/sales-credit/": SalesCredit.from_api,
        "/product-service/product/": Product.from_api,
        "/warehouse-service/stock-transfer/": StockTransfer.from_api,
    }
    if "/goods-note/goods-" in exchange.path:
        parse = goods_in_lines if "goods-in" in exchange.path else goods_out_note
        return [parse(int(note_id), raw) for note_id, raw in response.items()]
    parser = next((parser for start, parser in parsers.items() if exchange.path.startswith(start)), None)
    if parser is None:
        return []
    # Purchase orders come from the same resource; no search of ours finds them.
    return [parser(raw) for raw in response if raw.get("orderTypeCode") in (None, "SO")]


@pytest.mark.parametrize("path", samples.files("brightpearl"), ids=lambda path: path.stem)
def test_every_recorded_answer_gives_records_without_personal_data(path):
    """A live order that is rejected is a return that nobody can credit; a name in a record is a name in the database."""
    for exchange in samples.exchanges(path):
        shown = repr(parse_all(exchange))
        assert [value for value in samples.personal(exchange.body) if value in shown] == []


def test_a_sale_is_read_with_its_rows_and_exact_money():
    """Rows come as an object keyed by id, numbers as text."""
    order = SalesOrder.from_api(own("order-get-inclusive")[0], external_ref="5000000001001")
    assert (order.order_id, order.order_type, order.external_ref, order.customer_ref) == (
        5001,
        "SO",
        "5000000001001",
        "#1001",
    )
    assert (order.net_minor, order.tax_minor, order.total_minor, order.currency) == (4454, 846, 5300, "GBP")
    assert (order.invoice_reference, order.price_mode, order.channel_id) == ("SI-1001", "INC", 3)
    assert (order.project_id, order.lead_source_id, order.delivery_country) == (None, 11, "GB")
    assert order.created_on == dt.datetime(2026, 1, 20, 16, 0, 5, tzinfo=dt.UTC)
    goods, note, discount = order.rows
    assert (goods.order_row_id, goods.product_id, goods.quantity, goods.row_net) == (71, 1007, 2, Decimal("40.0000"))
    assert (goods.net_minor, goods.tax_minor, goods.tax_code, goods.item_cost) == (4000, 800, "T20", Decimal("6.5000"))
    assert (note.net_minor, note.tax_minor) == (909, 91)
    assert (discount.net_minor, discount.tax_minor) == (-455, -45)


def test_product_1000_is_free_text_and_its_words_are_scrubbed():
    """Taken for a product, it would be received into stock; its words may be a customer's."""
    rows = SalesOrder.from_api(own("order-get-inclusive")[0]).rows
    assert [row.product_id for row in rows] == [1007, None, None]
    assert [row.name for row in rows] == ["Wool Scarf", "Gift note for [e-mail]", "Discount"]


def test_a_bundle_and_a_foreign_currency_are_read():
    """The value sits on the parent row, the cost on the children."""
    order = SalesOrder.from_api(own("order-get-abroad-bundle-not-invoiced")[0])
    assert (order.currency, order.accounting_currency, order.exchange_rate) == ("EUR", "GBP", Decimal("1.150000"))
    assert (order.invoice_reference, order.customer_ref) == ("", None)
    parent, child = order.rows
    assert (parent.is_bundle_parent, parent.parent_row_id, parent.net_minor) == (True, None, 10000)
    assert (child.is_bundle_child, child.parent_row_id, child.net_minor, child.quantity) == (True, 81, 0, 2)


@pytest.mark.parametrize(
    ("net", "tax", "currency", "expected"),
    [
        ("9.0909", "0.91", "GBP", (909, 91)),
        ("8.3333", "1.67", "GBP", (833, 167)),
        ("8.335", "1.67", "GBP", (834, 167)),
        ("-4.5455", "-0.45", "GBP", (-455, -45)),
        ("1200", "120", "JPY", (1200, 120)),
        ("1200.4", "120", "JPY", (1200, 120)),
        ("0", "0", "GBP", (0, 0)),
    ],
)
def test_net_is_what_gross_leaves_after_the_tax(net, tax, currency, expected):
    """The customer was charged gross, and the tax is what was declared: the net must give way by the rounded fraction."""
    assert row_money(Fields({}, "a row"), Decimal(net), Decimal(tax), currency) == expected


def test_a_credit_is_read_with_what_ties_it_to_its_sale():
    """Reference and installation are the duplicate rule; the parent is what it gives back."""
    ours, other = (SalesCredit.from_api(raw) for raw in own("sales-credit-get"))
    assert (ours.credit_id, ours.order_id, ours.external_ref, ours.installed_integration_instance_id) == (
        6001,
        5001,
        "rg-9800001-5001-1",
        34,
    )
    assert (ours.net_minor, ours.tax_minor, ours.total_minor, ours.invoice_reference) == (2000, 400, 2400, "")
    assert (ours.customer_contact_id, ours.is_cancelled, ours.reference) == (200, False, "#1001-R1")
    assert (other.order_id, other.invoice_reference, other.is_cancelled, other.customer_contact_id) == (
        None,
        "SC-2",
        True,
        201,
    )
    parent, child = other.rows
    assert (parent.is_bundle_parent, child.is_bundle_child, child.parent_row_id, child.net_minor) == (True, True, 91, 0)


def test_a_credit_learns_from_its_order_whether_it_is_posted():
    """The invoice reference was recorded on the order alone."""
    credit = SalesCredit.from_api(own("sales-credit-get")[0])
    order = CreditAsOrder.from_api(
        {
            "id": 6001,
            "orderStatus": {"orderStatusId": 23},
            "invoices": [{"invoiceReference": "SC-9"}],
            "stockStatusCode": "SCA",
            "reference": "other",
        }
    )
    told = credit.with_order(order)
    assert (told.invoice_reference, told.order_status_id, told.stock_status, told.reference) == (
        "SC-9",
        23,
        "SCA",
        "#1001-R1",
    )


@pytest.mark.parametrize("invoices", [None, [], [{}], [{"invoiceReference": None}], "SC-9"])
def test_an_order_that_does_not_say_whether_it_is_posted_is_rejected(invoices):
    """'Not said' taken for 'not posted' would post it again."""
    with pytest.raises(RecordRejected):
        CreditAsOrder.from_api({"id": 6001, "orderStatus": {"orderStatusId": 23}, "invoices": invoices})


def test_lines_of_one_row_and_place_are_one_line():
    """They are one key in our table; the second would overwrite the first and lose a unit."""
    notes = own("goods-in-get")
    (line,) = goods_in_lines(3001, notes["3001"])
    assert (line.credit_id, line.credit_row_id, line.product_id, line.quantity, line.location_id) == (
        6001,
        90,
        1007,
        2,
        31,
    )
    assert (line.received_on, line.cost_value, line.is_reversed) == (
        dt.datetime(2026, 2, 5, 9, tzinfo=dt.UTC),
        Decimal("6.5000"),
        False,
    )
    (reversed_line,) = goods_in_lines(3002, notes["3002"])
    assert reversed_line.is_reversed


def test_a_note_without_its_lines_is_rejected():
    """'No lines' would say that nothing was received."""
    note = {key: value for key, value in own("goods-in-get")["3001"].items() if key != "goodsMoved"}
    with pytest.raises(RecordRejected, match="goodsMoved"):
        goods_in_lines(3001, note)


def test_goods_out_notes_tell_what_was_shipped():
    """What was never shipped can hardly come back."""
    note = goods_out_note(4001, own("goods-out-get", 0)["4001"])
    assert (note.order_id, note.is_shipped, note.quantities) == (5001, True, {71: 2})
    transfer = goods_out_note(4002, own("goods-out-get", 1)["4002"])
    assert (transfer.is_transfer, transfer.stock_transfer_id, transfer.is_shipped, transfer.order_id) == (
        True,
        501,
        False,
        0,
    )


def test_products_and_transfers_are_read():
    """A product's name is with its channel; note 0 means that a transfer was not dispatched."""
    product = Product.from_api(own("product-get-bundle")[0])
    assert (product.product_id, product.sku, product.name, product.ean) == (1100, "BOX", "Gift Box", None)
    assert (product.is_bundle, product.components) == (True, [{"product_id": 1007, "quantity": 2}])
    transfer = StockTransfer.from_api(own("stock-transfer-get")[0])
    assert (transfer.stock_transfer_id, transfer.goods_out_note_id, transfer.reference) == (501, 0, "rt-0123456789ab")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", KeyError),
        ("currency.orderCurrencyCode", None),
        ("currency.orderCurrencyCode", "KWD"),
        ("priceModeCode", "NET"),
        ("parties.customer.contactId", None),
        ("orderStatus.orderStatusId", "open"),
        ("totalValue.net", "44.545"),
        ("totalValue.total", KeyError),
        ("createdOn", None),
        ("orderRows", KeyError),
        ("orderRows", []),
        ("orderRows.71.quantity.magnitude", "1.5000"),
        ("orderRows.71.quantity.magnitude", "99999999999"),
        ("orderRows.71.rowValue.rowNet.value", KeyError),
        ("orderRows.71.rowValue.rowTax.value", "8.005"),
        ("orderRows.71.rowValue.taxCode", None),
    ],
)
def test_an_order_that_would_be_a_guess_is_rejected(path, value):
    """It is held and named, and the others go on."""
    raw = own("order-get-inclusive")[0]
    if path.startswith("orderRows.71."):
        raw["orderRows"]["71"] = _put(raw["orderRows"]["71"], path.removeprefix("orderRows.71."), value)
    else:
        raw = _put(raw, path, value)
    with pytest.raises(RecordRejected):
        SalesOrder.from_api(raw)


def test_a_rate_may_be_left_out_only_between_equal_currencies():
    """A foreign sale at rate 1 would be booked as if euros were pounds."""
    home, abroad = own("order-get-inclusive")[0], own("order-get-abroad-bundle-not-invoiced")[0]
    del home["currency"]["exchangeRate"], abroad["currency"]["exchangeRate"]
    assert SalesOrder.from_api(home).exchange_rate == 1
    with pytest.raises(RecordRejected, match="exchangeRate"):
        SalesOrder.from_api(abroad)


@pytest.mark.parametrize("path", ["total.net", "total.tax", "currency.code", "createdOn", "rows"])
def test_a_credit_that_would_be_a_guess_is_rejected(path):
    """A credit read without its money would look like one that gives nothing back."""
    with pytest.raises(RecordRejected):
        SalesCredit.from_api(_put(own("sales-credit-get")[0], path, KeyError))


@pytest.mark.parametrize("path", ["net", "tax", "quantity", "id"])
def test_a_credits_row_without_its_money_is_rejected(path):
    """Only a bundle's children carry none."""
    raw = copy.deepcopy(own("sales-credit-get")[0])
    del raw["rows"][0][path]
    with pytest.raises(RecordRejected):
        SalesCredit.from_api(raw)
