"""Goods in the sandbox's Brightpearl over real HTTP: receipts against credits, corrections, transfers between warehouses."""

import pytest

GOODS_IN = "/warehouse-service/order/{}/goods-note/goods-in"
MAIN_DEFAULT, MAIN_QUARANTINE, RETURNS_DEFAULT, RETURNS_QUARANTINE, PASS_SHELF = 21, 22, 31, 32, 33


def two_shirts(account, **fields):
    return account.credit(
        {"productId": account.shirt, "quantity": "2", "taxCode": "T20", "net": "50.0000", "tax": "10.00"}, **fields
    )


def status_of(account, credit_id):
    return account.response(f"/order-service/order/{credit_id}")[0]["stockStatusCode"]


def receive(account, credit_id, quantities, **fields):
    return account.post(GOODS_IN.format(credit_id), account.goods_in_body(credit_id, quantities, **fields))


def test_goods_come_in_against_the_credits_own_rows(account):
    """The row's id goes into purchaseOrderRowId, for credits too; stock rises where the goods were put."""
    credit_id = two_shirts(account)
    [row_id] = account.row_ids(credit_id)
    note_id = receive(account, credit_id, {row_id: 2}, userBatchReference="receipt-77").json()["response"]
    assert (account.stock(account.shirt, RETURNS_DEFAULT), status_of(account, credit_id)) == (2, "SCA")
    note = account.response(GOODS_IN.format(credit_id))[str(note_id)]
    assert note == account.response(f"/warehouse-service/order/*/goods-note/goods-in/{note_id}")[str(note_id)]
    [line] = note["goodsMoved"]
    assert (line["purchaseOrderRowId"], line["quantity"], line["destinationLocationId"]) == (row_id, 2, RETURNS_DEFAULT)
    assert line["productValue"] == {"currency": "GBP", "value": "12.0000"}
    assert note["userBatchReference"] == "receipt-77"


def test_more_than_the_row_holds_does_not_come_in(account):
    """An over-receipt that went through would credit goods that were never sold."""
    credit_id = two_shirts(account)
    [row_id] = account.row_ids(credit_id)
    assert receive(account, credit_id, {row_id: 3}).status_code == 400
    assert receive(account, credit_id, {row_id: 1}).status_code == 200
    assert status_of(account, credit_id) == "SCP"
    assert receive(account, credit_id, {row_id: 2}).status_code == 400
    assert account.stock(account.shirt, RETURNS_DEFAULT) == 1


def test_a_credit_may_have_to_be_received_all_at_once(served):
    """A help page says so; then a parcel with half of it needs a split first."""
    account = served(part_receipt_allowed=False)
    credit_id = two_shirts(account)
    [row_id] = account.row_ids(credit_id)
    assert receive(account, credit_id, {row_id: 1}).status_code == 400
    assert receive(account, credit_id, {row_id: 2}).status_code == 200


def test_a_receipts_reference_is_unique_over_all_credits(account):
    first, second = two_shirts(account), two_shirts(account, externalRef="raise:78:1")
    answers = [
        receive(account, each, {account.row_ids(each)[0]: 1}, userBatchReference="same") for each in (first, second)
    ]
    assert [answer.status_code for answer in answers] == [200, 400]


def test_one_product_on_two_rows_makes_two_notes_and_names_the_first(account):
    """Whoever trusts the answered id alone misses half of the receipt."""
    row = {"productId": account.shirt, "quantity": "1", "taxCode": "T20", "net": "25.0000", "tax": "5.00"}
    credit_id = account.credit(row, row)
    answered = receive(account, credit_id, dict.fromkeys(account.row_ids(credit_id), 1)).json()["response"]
    notes = account.response(GOODS_IN.format(credit_id))
    assert (len(notes), min(notes)) == (2, str(answered))


def test_of_a_bundle_the_parts_are_received(account):
    credit_id = account.credit(
        {"productId": account.tea_set, "quantity": "1", "taxCode": "T20", "net": "37.0833", "tax": "7.42"}
    )
    rows = account.world.order(credit_id).rows
    parent, *parts = rows
    assert receive(account, credit_id, {parent: 1}).status_code == 400
    assert receive(account, credit_id, {row_id: rows[row_id].quantity for row_id in parts}).status_code == 200
    assert (account.stock(account.mug, RETURNS_DEFAULT), status_of(account, credit_id)) == (2, "SCA")


@pytest.mark.parametrize(
    "change",
    [
        {"productId": 1008},
        {"purchaseOrderRowId": 1},
        {"destinationLocationId": MAIN_DEFAULT},
        {"productValue": {"currency": "EUR", "value": "1"}},
        {"quantity": 0},
    ],
)
def test_a_wrong_line_is_refused(account, change):
    credit_id = two_shirts(account)
    body = account.goods_in_body(credit_id, {account.row_ids(credit_id)[0]: 1})
    body["goodsMoved"][0] |= change
    assert account.post(GOODS_IN.format(credit_id), body).status_code == 400
    assert status_of(account, credit_id) == "SCN"


def test_a_receipt_without_a_value_is_worth_nothing(account):
    """Stock that came back at zero cost falsifies every margin after it."""
    credit_id = two_shirts(account)
    body = account.goods_in_body(credit_id, {account.row_ids(credit_id)[0]: 1})
    del body["goodsMoved"][0]["productValue"]
    note_id = account.post(GOODS_IN.format(credit_id), body).json()["response"]
    assert (
        account.response(GOODS_IN.format(credit_id))[str(note_id)]["goodsMoved"][0]["productValue"]["value"] == "0.0000"
    )


def test_a_correction_takes_units_back_out_and_is_a_movement_of_its_own(account):
    """A receipt that was corrected down must be seen again by whoever polls movements."""
    credit_id = two_shirts(account)
    [note_id] = account.receive(credit_id)
    body = {"productId": account.shirt, "locationId": 31, "quantity": 1, "cost": {"currency": "GBP", "value": "12.00"}}
    assert account.post(f"/warehouse-service/goods-note/goods-in/{note_id}/correction", body).status_code == 200
    assert (account.stock(account.shirt, RETURNS_DEFAULT), status_of(account, credit_id)) == (1, "SCP")
    moves = account.rows(f"/warehouse-service/goods-movement-search?orderId={credit_id}")
    assert [(move["goodsNoteTypeCode"], move["quantity"], move["purchaseOrderRowId"]) for move in moves] == [
        ("GI", 2, account.row_ids(credit_id)[0]),
        ("GI", -1, account.row_ids(credit_id)[0]),
    ]


def test_a_deleted_receipt_leaves_a_cancelled_note_and_no_stock(account):
    credit_id = two_shirts(account)
    [note_id] = account.receive(credit_id)
    assert account.call("DELETE", f"/warehouse-service/goods-note/goods-in/{note_id}").json() == {}
    assert account.response(GOODS_IN.format(credit_id))[str(note_id)]["goodsNoteStatus"] == "CANCELLED"
    assert (account.stock(account.shirt, RETURNS_DEFAULT), status_of(account, credit_id)) == (0, "SCN")


@pytest.mark.parametrize(("is_404", "status"), [(True, 404), (False, 200)])
def test_no_notes_at_all_reads_as_404_or_as_nothing(served, is_404, status):
    account = served(no_goods_notes_is_404=is_404)
    assert account.get(GOODS_IN.format(account.credit())).status_code == status


def test_goods_in_are_also_found_by_search(account):
    credit_id = two_shirts(account)
    [note_id] = account.receive(credit_id)
    [row] = account.rows(f"/warehouse-service/goods-in-search?purchaseOrderId={credit_id}")
    assert (row["batchId"], row["productId"], row["receivedQuantity"], row["warehouseId"]) == (
        note_id,
        account.shirt,
        2,
        3,
    )


def transfer(account, reference="transfer-1"):
    answer = account.post(
        "/warehouse-service/warehouse/3/stock-transfer", {"targetWarehouseId": 2, "reference": reference}
    )
    return answer.json().get("response")


def dispatch(account, transfer_id, quantity, location_id):
    line = {"productId": account.shirt, "quantity": quantity, "fromLocationId": location_id}
    body = {"targetWarehouseId": 2, "stockTransferId": transfer_id, "transferredProducts": [line]}
    return account.post("/warehouse-service/warehouse/3/external-transfer", body)


def ship(account, note_id):
    event = {"eventCode": "SHW", "occured": "2026-03-02T12:00:00.000+00:00", "eventOwnerId": 4}
    return account.post(f"/warehouse-service/goods-note/goods-out/{note_id}/event", {"events": [event]})


def test_a_transfer_travels_from_shelf_to_quarantine_to_sale(account):
    """Nothing is sellable at the target before its quarantine is released."""
    account.receive(two_shirts(account), location_id=PASS_SHELF)
    transfer_id = transfer(account)
    assert account.response(f"/warehouse-service/stock-transfer/{transfer_id}")[0]["goodsOutNoteId"] == 0
    [note_id] = dispatch(account, transfer_id, 2, PASS_SHELF).json()["response"]
    assert account.response(f"/warehouse-service/stock-transfer/{transfer_id}")[0]["goodsOutNoteId"] == note_id
    note = account.response(f"/warehouse-service/order/*/goods-note/goods-out/{note_id}")[str(note_id)]
    assert (note["orderId"], note["transfer"], note["stockTransferId"], note["status"]["shipped"]) == (
        0,
        True,
        transfer_id,
        False,
    )
    assert ship(account, note_id).json() == {}
    assert (
        account.stock(account.shirt, PASS_SHELF),
        account.stock(account.shirt, MAIN_QUARANTINE),
        account.stock(account.shirt, MAIN_DEFAULT),
    ) == (0, 2, 0)
    release = {"productId": account.shirt, "quantity": 2, "toLocationId": MAIN_DEFAULT}
    assert account.post("/warehouse-service/warehouse/2/quarantine/release", release).json() == {}
    availability = account.response(f"/warehouse-service/product-availability/{account.shirt}")[str(account.shirt)]
    assert availability["warehouses"]["2"]["onHand"] == 2


def test_what_is_not_in_quarantine_is_not_released(account):
    answer = account.post(
        "/warehouse-service/warehouse/2/quarantine/release",
        {"productId": account.shirt, "quantity": 1, "toLocationId": MAIN_DEFAULT},
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "WHSB-023")


def test_a_transfer_takes_only_what_its_location_holds(account):
    """A failed unit beside a passed one must not be taken for it."""
    account.receive(two_shirts(account), location_id=34)
    transfer_id = transfer(account)
    assert dispatch(account, transfer_id, 1, PASS_SHELF).status_code == 400
    assert account.response(f"/warehouse-service/stock-transfer/{transfer_id}")[0]["goodsOutNoteId"] == 0


def test_goods_in_quarantine_are_taken_by_no_transfer_that_does_not_say_so(account):
    account.receive(two_shirts(account), location_id=RETURNS_QUARANTINE)
    assert dispatch(account, transfer(account), 1, None).status_code == 400


def test_a_transfers_reference_is_unique_and_it_is_dispatched_and_shipped_once(account):
    account.receive(two_shirts(account), location_id=PASS_SHELF)
    transfer_id = transfer(account)
    assert transfer(account) is None
    [note_id] = dispatch(account, transfer_id, 1, PASS_SHELF).json()["response"]
    assert dispatch(account, transfer_id, 1, PASS_SHELF).status_code == 400
    assert [ship(account, note_id).status_code for _ in range(2)] == [200, 400]


def test_stock_is_corrected_and_moved_within_a_warehouse_with_movements_of_their_own_kinds(account):
    """Only movements of kind GI are receipts; a poll that takes the others for one credits stocktaking."""
    correction = {
        "quantity": 2,
        "productId": account.shirt,
        "reason": "Found",
        "locationId": 31,
        "cost": {"currency": "GBP", "value": "12.00"},
    }
    assert (
        account.post("/warehouse-service/warehouse/3/stock-correction", {"corrections": [correction]}).status_code
        == 200
    )
    line = {"productId": account.shirt, "quantity": 1, "fromLocationId": 31, "toLocationId": PASS_SHELF}
    assert (
        account.post(
            "/warehouse-service/warehouse/3/internal-transfer", {"warehouseId": 3, "transferredProducts": [line]}
        ).status_code
        == 200
    )
    assert (account.stock(account.shirt, 31), account.stock(account.shirt, PASS_SHELF)) == (1, 1)
    moves = account.rows(f"/warehouse-service/goods-movement-search?productId={account.shirt}&sort=goodsMovementId.ASC")
    assert [(move["goodsNoteTypeCode"], move["quantity"]) for move in moves] == [("SC", 2), ("IT", -1), ("IT", 1)]


def test_the_default_and_quarantine_locations_are_just_numbers(account):
    assert account.response("/warehouse-service/warehouse/3/location/default") == RETURNS_DEFAULT
    assert account.response("/warehouse-service/warehouse/3/location/quarantine") == RETURNS_QUARANTINE
    assert account.get("/warehouse-service/warehouse/99/location/default").status_code == 404


def test_a_shipped_sale_has_a_goods_out_note_with_its_rows(account):
    """What was never shipped cannot come back."""
    sale_id = account.sale((account.shirt, 3, "75.0000", "15.00", "T20"), shipped={0: 2})
    [note] = account.response(f"/warehouse-service/order/{sale_id}/goods-note/goods-out/").values()
    [row_id] = account.row_ids(sale_id)
    assert note["orderRows"] == {str(row_id): [{"productId": account.shirt, "quantity": 2, "locationId": MAIN_DEFAULT}]}
    assert account.response(f"/order-service/order/{sale_id}")[0]["shippingStatusCode"] == "SPS"
