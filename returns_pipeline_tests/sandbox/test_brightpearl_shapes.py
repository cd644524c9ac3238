"""The sandbox Brightpearl's answers have the statuses, keys and types of the recordings.

`RETURNS_CONTRACT_SAMPLES` may name a folder of recorded exchanges (`brightpearl/*.json` in it); else the shapes noted from them are compared.
"""

import json
import os
from pathlib import Path

import pytest

NOTED = Path(__file__).parent / "fixtures" / "brightpearl_shapes.json"
WORDS = {
    dict: "object",
    list: "array",
    str: "text",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}


def shape(value, path="", found=None):
    """Path -> type; keys that are ids become `*`, and what is in a list is seen as one."""
    found = {} if found is None else found
    found.setdefault(path, set()).add(WORDS[type(value)])
    if isinstance(value, dict):
        for key, each in value.items():
            shape(each, f"{path}.{'*' if key.isdigit() else key}", found)
    if isinstance(value, list):
        for each in value:
            shape(each, f"{path}[]", found)
    return found


def sale(account):
    """A shipped and invoiced sale, as the recorded one."""
    return account.sale(price_mode="INC")


def order(account):
    return account.get(f"/order-service/order/{sale(account)}")


def goods_out(account):
    return account.get(f"/warehouse-service/order/{sale(account)}/goods-note/goods-out/")


def generic_credit(account):
    return account.post(
        "/order-service/order", {"orderTypeCode": "SC", "reference": "#1", "parties": {"customer": {"contactId": 200}}}
    )


def free_row(account):
    """The path of a generic credit's only row, of free text."""
    order_id = generic_credit(account).json()["response"]
    row = {
        "productName": "Thing",
        "quantity": {"magnitude": 5},
        "rowValue": {"taxCode": "T20", "rowNet": {"value": 100}, "rowTax": {"value": 13}},
    }
    row_id = account.post(f"/order-service/order/{order_id}/row", row).json()["response"]
    return f"/order-service/order/{order_id}/row/{row_id}"


def patched_row(account):
    return account.call(
        "PATCH", free_row(account), json=[{"op": "replace", "path": "/rowValue/rowNet/value", "value": 200}]
    )


def patched_order(account):
    operations = [
        {"op": "replace", "path": "/delivery/deliveryDate", "value": "2022-01-20"},
        {"op": "replace", "path": "/reference", "value": "#XYZ"},
    ]
    return account.call("PATCH", f"/order-service/order/{generic_credit(account).json()['response']}", json=operations)


def badly_patched_order(account):
    return account.call(
        "PATCH", f"/order-service/order/{sale(account)}", json=[{"op": "add", "path": "/reference", "value": "#XYZ"}]
    )


def changed_status(account):
    return account.call("PUT", f"/order-service/order/{account.credit()}/status", json={"orderStatusId": 22})


def payment(account):
    body = {
        "transactionRef": "r", "paymentMethodCode": "SHOPIFYPAY", "paymentType": "RECEIPT", "orderId": sale(account), "currencyIsoCode": "GBP",
        "exchangeRate": 1.0, "amountPaid": 100.0, "paymentDate": "2026-04-17T10:00:00-06:00",
    }  # fmt: skip
    return account.post("/accounting-service/customer-payment", body)


def webhook(account):
    body = {
        "subscribeTo": "goods-in-note.created", "httpMethod": "POST", "uriTemplate": "https://example.com", "contentType": "application/json",
        "idSetAccepted": True, "qualityOfService": 1, "bodyTemplate": "{}",
    }  # fmt: skip
    return account.post("/integration-service/webhook", body)


def asked(path):
    return lambda account: account.get(path)


# recording and exchange in it -> the same act in the sandbox
EXCHANGES = {
    ("auth-401-invalid-token", 0): lambda account: account.call("GET", "/order-service/order/1", headers={}),
    ("customer-payment-post-receipt", 0): payment,
    ("customer-payment-delete-then-empty-search", 1): asked("/accounting-service/customer-payment-search?orderId=1"),
    ("goods-out-note-get-by-order", 0): goods_out,
    ("order-get-not-found-200-empty", 0): asked("/order-service/order/999"),
    ("order-get-so-invoiced", 0): order,
    ("order-options-getUris", 0): lambda account: account.call("OPTIONS", f"/order-service/order/{sale(account)}"),
    ("order-patch-error-CMNC-044-500", 1): badly_patched_order,
    ("order-patch-success", 1): patched_order,
    ("order-post-error-ORDC-005", 0): lambda account: account.post("/order-service/order", {"reference": "#1"}),
    ("order-post-error-ORDC-006", 0): lambda account: account.post("/order-service/order", {"orderTypeCode": "UK"}),
    ("order-post-generic-SC", 0): generic_credit,
    ("order-row-delete", 2): lambda account: account.call("DELETE", free_row(account)),
    ("order-row-patch-net-recalculates-tax", 2): patched_row,
    ("order-search-bad-param-500", 0): asked("/order-service/order-search?orderStatusId=BAD%20PARAM"),
    ("order-status-get", 0): asked("/order-service/order-status/1"),
    ("order-status-put", 1): changed_status,
    ("product-get-one", 0): lambda account: account.get(f"/product-service/product/{account.shirt}"),
    ("product-options-empty", 0): lambda account: account.call("OPTIONS", "/product-service/product/1-100,320,321"),
    ("product-price-404", 0): asked("/product-service/product-price/1"),
    ("product-search", 0): asked("/product-service/product-search?productName=shirt"),
    ("product-search-bad-param-500", 0): asked("/product-service/product-search?productId=BAD%20PARAM"),
    ("tax-code-get", 0): asked("/accounting-service/tax-code/"),
    ("webhook-delete-404", 0): lambda account: account.call("DELETE", "/integration-service/webhook/99999"),
    ("webhook-get", 0): webhook,
    ("webhook-get-404-CMNC-404", 0): asked("/integration-service/webhook/99999"),
}
# What these recordings hold beside the answer itself, or that hangs on what the recorded account happened to contain.
NOT_OURS = (".reference.productCategoryMembership", "._note", ".response.results[][]")


def recorded(name, number):
    """Status, shape and error codes of one recorded exchange."""
    folder = os.environ.get("RETURNS_CONTRACT_SAMPLES")
    if not folder:
        return json.loads(NOTED.read_text())[f"{name}/{number}"]
    response = json.loads((Path(folder) / "brightpearl" / f"{name}.json").read_text())[number]["response"]
    return noted(response["status"], response["headers"]["Message-Type"], response["body"])


def noted(status, message_type, body):
    """An exchange as it is noted: nothing of its content but statuses, names, types and error codes."""
    errors = body.get("errors", []) if isinstance(body, dict) else []
    types = {path: sorted(kinds) for path, kinds in shape(body).items() if not path.startswith(NOT_OURS)}
    columns = body["response"]["metaData"]["columns"] if ".response.metaData" in types else []
    return {
        "status": status,
        "message_type": message_type,
        "codes": [error["code"] for error in errors],
        "types": types,
        "columns": columns,
    }


@pytest.mark.parametrize(("name", "number"), EXCHANGES, ids=lambda value: str(value))
def test_an_answer_has_the_recorded_shape(account, name, number):
    """A client that was built on the sandbox must meet nothing new at the real account."""
    wanted = recorded(name, number)
    answer = EXCHANGES[name, number](account)
    given = noted(answer.status_code, answer.headers["Message-Type"], answer.json())
    assert given == wanted | {"message_type": given["message_type"] if "404" in name else wanted["message_type"]}
