"""A small Brightpearl over HTTP for fault drills: credits only, a true state, and one switch per fault. No rules of the trade.

It answers what the runner asks: raise, close, read by id set, search by reference, parent or creation date.
"""

import datetime as dt
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BASE = "/public-api/acme"
SEARCH_COLUMNS = {
    "orderId": "INTEGER",
    "orderTypeId": "INTEGER",
    "contactId": "INTEGER",
    "orderStatusId": "INTEGER",
    "createdOn": "PERIOD",
    "customerRef": "STRING",
    "updatedOn": "PERIOD",
    "parentOrderId": "IDSET",
    "externalRef": "STRING",
}

# Faults that apply nothing and answer: status, body, calls remaining.
_REFUSALS = {
    "throttle": (503, {"response": "You have sent too many requests. Please wait before sending another request"}, 0),
    "unauthorized": (401, {"response": "Authorization token expired"}, 150),
    "refuse": (400, {"errors": [{"code": "ORDC-001", "message": "the tax code is not known"}]}, 150),
    "in use": (409, {"errors": [{"code": "ORDC-050", "message": "externalRef is already in use"}]}, 150),
    "503 outage": (503, {"errors": [{"code": "CMNU-003", "message": "Service unavailable"}]}, 150),
    "500 before": (500, {"errors": [{"code": "CMNU-003", "message": "Internal error"}]}, 150),
}


@dataclass
class Account:
    """The account's true state and its faults.

    Attributes:
        fault: how the next writes go wrong, one per write; "" for none. See `_REFUSALS` and `_Handler._spoil`.
        dedupe: whether externalRef with the installation's id makes a repeat harmless.
        hidden_seconds: how long a new credit stays out of searches.
        reads_until_posted: how many reads a closed credit stays pending.
        is_unreadable: reads are refused for good.
    """

    credits: dict[int, dict[str, Any]] = field(default_factory=dict)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    gets: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    dedupe: bool = False
    hidden_seconds: float = 0.0
    reads_until_posted: int = 0
    is_unreadable: bool = False
    arrived: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add_credit(self, body: dict[str, Any], **more: object) -> int:
        """A credit as it stands after a POST of that body; `more` overrides what a read shows."""
        with self.lock:
            credit_id = 800 + len(self.credits) + 1
            self.credits[credit_id] = {
                "id": credit_id,
                "body": body,
                "created": dt.datetime.now(dt.UTC),
                "seen_from": time.monotonic() + self.hidden_seconds,
                "invoice": "",
                "cancelled": False,
                "reads": 0,
                **more,
            }
            return credit_id

    def of_reference(self, reference: str) -> list[int]:
        """Ids of the credits that carry a reference."""
        return [
            number
            for number, credit in self.credits.items()
            if credit["body"].get("externalRef") == reference and not credit["cancelled"]
        ]


class LedgerAccount:
    """The server around an account; `base_url` is what BRIGHTPEARL_BASE_URL would be."""

    def __init__(self) -> None:
        self.account = Account()
        account = self.account

        class Handler(_Handler):
            world = account

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{BASE}"

    def close(self) -> None:
        self.account.go_on.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: Account

    def log_message(self, *_: object) -> None:
        """Nothing: the requests are kept in the account."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(BASE)
        self.world.gets.append(path)
        if self.world.is_unreadable:
            self._answer(400, {"errors": [{"code": "CMNC-001", "message": "the service is off"}]})
        elif path == "/order-service/order-search":
            self._answer(200, self._search(parse_qs(parts.query)))
        elif found := re.fullmatch(r"/order-service/sales-credit/([\d,.-]+)", path):
            self._answer(
                200, {"response": [self._credit(each) for each in _ids(found[1]) if each in self.world.credits]}
            )
        elif found := re.fullmatch(r"/order-service/order/([\d,.-]+)", path):
            self._answer(
                200, {"response": [self._order(each) for each in _ids(found[1]) if each in self.world.credits]}
            )
        elif path == "/warehouse-service/warehouse":
            self._answer(200, {"response": []})
        else:
            self._answer(404, {"errors": [{"code": "CMNC-404", "message": f"no route {path}"}]})

    def do_POST(self) -> None:
        path = urlsplit(self.path).path.removeprefix(BASE)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        with self.world.lock:
            self.world.posts.append((path, body))
            fault = self.world.faults.pop(0) if self.world.faults else ""
        if fault in _REFUSALS:
            status, answer, remaining = _REFUSALS[fault]
            return self._answer(status, answer, remaining)
        if fault == "refuse as closed by hand":
            self.world.credits[int(path.split("/")[3])]["invoice"] = "SC-BY-HAND"
            return self._answer(400, {"errors": [{"code": "ORDC-077", "message": "the credit is invoiced"}]})
        if fault in ("hold before", "drop before"):
            self._hold(fault)
            return self._drop()
        if fault == "apply late":
            self._hold("hold")
        status, answer = self._apply(path, body)
        self._hold(fault)
        return self._spoil(fault, status, answer)

    def _hold(self, fault: str) -> None:
        if fault.startswith("hold"):
            self.world.arrived.set()
            self.world.go_on.wait(30)

    def _spoil(self, fault: str, status: int, answer: object) -> None:
        """Answers what was applied, or spoils the answer."""
        if fault in ("hold after", "drop after"):
            self._drop()
        elif fault == "500 after":
            self._answer(500, {"errors": [{"code": "CMNU-003", "message": "Internal error"}]})
        elif fault == "truncate":
            self._truncate()
        elif fault == "drip":
            self._drip(answer)
        elif fault == "no id":
            self._answer(200, {"response": {}})
        elif fault == "html":
            self._send(200, b"<html>Gateway</html>", "text/html")
        else:
            self._answer(status, answer)

    def _apply(self, path: str, body: dict[str, Any]) -> tuple[int, object]:
        with self.world.lock:
            if path == "/order-service/sales-credit":
                there = self.world.of_reference(body["externalRef"])
                if self.world.dedupe and there:
                    return 200, {"response": there[0]}
                return 201, {"response": self.world.add_credit(body)}
            if found := re.fullmatch(r"/order-service/sales-credit/(\d+)/close", path):
                credit = self.world.credits[int(found[1])]
                if credit["invoice"] not in ("", "pending"):
                    return 400, {"errors": [{"code": "ORDC-077", "message": "the credit is invoiced"}]}
                credit["invoice"] = "pending" if self.world.reads_until_posted else f"SC-{found[1]}"
                credit["reads"] = 0
                return 200, {"response": {}}
        return 404, {"errors": [{"code": "CMNC-404", "message": "no such resource"}]}

    def _credit(self, credit_id: int) -> dict[str, Any]:
        credit = self.world.credits[credit_id]
        body = credit["body"]
        rows = [
            {
                **row,
                "id": credit_id * 10 + number,
                "sku": f"SKU-{row.get('productId')}",
                "bundleParent": False,
                "bundleChild": False,
            }
            for number, row in enumerate(body["rows"], 1)
        ]
        net, tax = (sum(round(float(row[name]) * 100) for row in rows) for name in ("net", "tax"))
        return {
            **{key: value for key, value in body.items() if key != "rows"},
            "id": credit_id,
            "createdOn": credit["created"].isoformat(),
            "createdBy": 4,
            "isCanceled": credit["cancelled"],
            "orderPaymentStatus": "UNPAID",
            "total": {
                "net": f"{net / 100:.2f}",
                "tax": f"{tax / 100:.2f}",
                "gross": f"{(net + tax) / 100:.2f}",
                "baseNet": "0",
                "baseTax": "0",
                "baseGross": "0",
            },
            "rows": rows,
        }

    def _order(self, credit_id: int) -> dict[str, Any]:
        """The same credit as an order: this is where its invoice reference is."""
        credit = self.world.credits[credit_id]
        if credit["invoice"] == "pending":
            credit["reads"] += 1
            if credit["reads"] > self.world.reads_until_posted:
                credit["invoice"] = f"SC-{credit_id}"
        return {
            "id": credit_id,
            "orderTypeCode": "SC",
            "orderStatus": {"orderStatusId": credit["body"]["statusId"]},
            "orderPaymentStatus": "UNPAID",
            "createdOn": credit["created"].isoformat(),
            "priceModeCode": "INC",
            "invoices": [{"invoiceReference": credit["invoice"]}],
            "currency": {"accountingCurrencyCode": "GBP", "orderCurrencyCode": "GBP", "exchangeRate": "1.000000"},
            "totalValue": {"net": "0.00", "taxAmount": "0.00", "total": "0.00"},
            "parties": {"customer": {"contactId": credit["body"]["customer"]["id"]}},
            "warehouseId": 3,
            "orderRows": {},
        }

    def _search(self, query: dict[str, list[str]]) -> dict[str, Any]:
        now = time.monotonic()
        results = []
        for number, credit in self.world.credits.items():
            body = credit["body"]
            row = [
                number,
                3,
                body["customer"]["id"],
                body["statusId"],
                credit["created"].isoformat(),
                body.get("ref"),
                credit["created"].isoformat(),
                body["parentId"],
                body.get("externalRef"),
            ]
            if credit["seen_from"] <= now and _wanted(dict(zip(SEARCH_COLUMNS, row, strict=True)), query):
                results.append(row)
        columns = [
            {
                "name": name,
                "sortable": True,
                "filterable": True,
                "reportDataType": kind,
                "isFreeTextSearchable": False,
                "required": False,
            }
            for name, kind in SEARCH_COLUMNS.items()
        ]
        window = {"firstResult": 1, "lastResult": len(results)} if results else {}
        meta = {
            "morePagesAvailable": False,
            "resultsAvailable": len(results),
            "resultsReturned": len(results),
            **window,
            "columns": columns,
            "sorting": [],
        }
        return {"response": {"metaData": meta, "results": results}, "reference": {}}

    def _answer(self, status: int, body: object, remaining: int = 150) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", remaining)

    def _send(self, status: int, raw: bytes, content_type: str, remaining: int = 150) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("brightpearl-requests-remaining", str(remaining))
        self.send_header("brightpearl-next-throttle-period", "200")
        self.end_headers()
        self.wfile.write(raw)

    def _truncate(self) -> None:
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "400")
        self.end_headers()
        self.wfile.write(b'{"respon')
        self._drop()

    def _drip(self, answer: object) -> None:
        raw = json.dumps(answer).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw) + 50))
        self.end_headers()
        for byte in raw + b" " * 50:
            try:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
            except OSError:
                return
            if self.world.go_on.wait(0.2):
                return

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()


def _ids(text: str) -> list[int]:
    ids: list[int] = []
    for part in re.split(r"[,.]", text):
        first, _, last = part.partition("-")
        ids += range(int(first), int(last or first) + 1)
    return ids


def _wanted(row: dict[str, Any], query: dict[str, list[str]]) -> bool:
    for name, kind in SEARCH_COLUMNS.items():
        if name not in query:
            continue
        wanted = unquote(query[name][0])
        if kind == "PERIOD":
            start, _, end = wanted.partition("/")
            moment = dt.datetime.fromisoformat(row[name])
            if (start and moment < _moment(start)) or (end and moment > _moment(end)):
                return False
        elif kind in ("INTEGER", "IDSET"):
            if row[name] not in _ids(wanted):
                return False
        elif str(row[name]) != wanted:
            return False
    return True


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
