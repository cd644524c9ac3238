"""`doctor --prove-dedupe ORDER` and `--prove-negative-rows ORDER`: writes test credits on a test order and says what the account does with them.

The only parts of the doctor that write. Source: sales-credit POST, whose "duplicate" rule is documented for the pair of `externalRef` and
`installedIntegrationInstanceId` and seen by nobody in code; rows with a minus are documented nowhere.
"""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.outcomes import ReadFailed, WriteAnswer
from returns_pipeline.clients.records_brightpearl import SalesOrder
from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.domain.money import to_minor
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages.accounts import Accounts

_PAUSE_SECONDS = 1.0
_LONGEST_LAG_SECONDS = 120.0
_ROW = "Test of returns-pipeline: cancel this credit"
# No rate makes this tax of this net: what comes back shows whether Brightpearl reckons it anew.
_NET, _ODD_TAX = "0.10", "0.07"


@dataclass(frozen=True)
class _Trial:
    """A test order, and how credits are tried on it."""

    client: BrightpearlClient
    order: SalesOrder
    settings: Settings
    instance: int | None
    reference: str

    def write(self, rows: Sequence[tuple[str, str, str]]) -> WriteAnswer:
        """Sends a credit with rows of name, net and tax as free text: it moves no stock, and stays unposted."""
        self.client.take_turn()
        return self.client.write(
            {"method": "POST", "path": "/order-service/sales-credit", "body": self._body(rows)},
        )

    def standing(self, answers: Sequence[WriteAnswer]) -> tuple[list[int], float | None]:
        """The credits that stand, by the answers and by the search; and how many seconds the search took to show the first, None if it did not.

        What a search does not show yet is not absent: it is asked until it shows what was answered, and then as long again for the rest.
        """
        told = {answer.body for answer in answers if isinstance(answer.body, int)}
        begin = time.monotonic()
        found, lag = self._searched(), None
        while told and lag is None and time.monotonic() - begin < _LONGEST_LAG_SECONDS:
            if told & found:
                lag = time.monotonic() - begin
                time.sleep(lag)
            else:
                time.sleep(_PAUSE_SECONDS)
            found = self._searched()
        return sorted(told | found), lag

    def _searched(self) -> set[int]:
        return self.client.credits_by_reference(self.reference)

    def _body(self, rows: Sequence[tuple[str, str, str]]) -> Mapping[str, Any]:
        order = self.order
        body = {
            "customer": {"id": order.customer_contact_id},
            "ref": self.reference,
            "parentId": order.order_id,
            "statusId": self.settings.brightpearl.statuses.awaiting_return,
            "warehouseId": order.warehouse_id,
            "channelId": order.channel_id,
            "externalRef": self.reference,
            "installedIntegrationInstanceId": self.instance,
            "priceListId": order.price_list_id,
            "priceModeCode": order.price_mode,
            "currency": {"code": order.currency, "fixedExchangeRate": True, "exchangeRate": str(order.exchange_rate)},
            "rows": [
                {"name": name, "quantity": "1", "taxCode": order.rows[0].tax_code, "net": net, "tax": tax}
                for name, net, tax in rows
            ],
        }
        return {name: value for name, value in body.items() if value is not None}


def dedupe(order_id: int) -> Answer:
    """Two identical test credits on a test order, and what stands afterwards; 1 unless exactly one credit stands.

    Raises:
        ReadFailed: the order is not there, or what stands could not be read: look in Brightpearl for the reference that the message names.
    """
    return _tried(order_id, "dedupe", _dedupe)


def negative_rows(order_id: int) -> Answer:
    """One test credit with a row above and a row below nothing; 0 whatever the account answers, 1 where it gave no answer that can be used.

    Raises:
        ReadFailed: the order is not there, or what stands could not be read.
    """
    return _tried(order_id, "minus", _negative_rows)


def _tried(order_id: int, what: str, trial: Callable[[_Trial], Answer]) -> Answer:
    runtime.prepare()
    settings = load_settings()
    # A person asked for this write by name, so that it may leave in shadow mode too.
    accounts = Accounts(settings.model_copy(update={"mode": "live"}))
    try:
        client = accounts.brightpearl
        orders = client.orders([order_id])
        if not orders:
            raise ReadFailed(
                f"Brightpearl has no order {order_id}: name a test order that may get a test credit", permanent=True
            )
        instance = settings.brightpearl.installed_integration_instance_id or client.installed_integration_instance_id
        reference = f"rg-{what}-{order_id}-{dt.datetime.now(dt.UTC):%Y%m%d%H%M%S}"
        return trial(_Trial(client, orders[0], settings, instance, reference))
    finally:
        accounts.close()


def _dedupe(trial: _Trial) -> Answer:
    if trial.instance is None:
        words = "no installed integration instance id is known, and without it no duplicate rule can hold: write [brightpearl] installed_integration_instance_id"
        return Answer([words], {"proven": False}, status=1)
    answers = [trial.write([(_ROW, _NET, _ODD_TAX)]) for _ in range(2)]
    standing, lag = trial.standing(answers)
    told = _data(trial, standing, answers, lag) | {"proven": len(standing) == 1}
    if not standing:
        return Answer(_nothing_stands(trial, answers), told, status=1)
    told |= {"keeps_tax": _keeps_tax(trial, standing), "repeat_names_it": answers[1].body in standing}
    if len(standing) > 1:
        verdict = f'not so: {len(standing)} credits stand. Leave [brightpearl] dedupe = "unproven": an unknown outcome halts for a person'
    elif lag is None:
        verdict = f"not proven: no search showed the credit within {_LONGEST_LAG_SECONDS:.0f} seconds, so a second one may stand unseen; look in Brightpearl for {trial.reference}"
        told["proven"] = False
    else:
        verdict = 'proven: the second of two identical credits changed nothing. Write [brightpearl] dedupe = "proven"'
    lines = [verdict, *_afterwards(trial, standing, lag), *_beside(told)]
    return Answer(lines, told, status=0 if told["proven"] else 1)


def _keeps_tax(trial: _Trial, standing: Sequence[int]) -> bool:
    """Whether each credit came back with the tax that was sent, which no rate explains."""
    sent = to_minor(Decimal(_ODD_TAX), trial.order.currency)
    return all(row.tax_minor == sent for credit in trial.client.sales_credits(standing) for row in credit.rows)


def _beside(told: Mapping[str, Any]) -> list[str]:
    tax = (
        "the tax came back as it was sent"
        if told["keeps_tax"]
        else "Brightpearl reckoned the tax anew: credits will halt as payload_mismatch; ask Brightpearl to keep the tax of API orders before you go live"
    )
    number = "names" if told["repeat_names_it"] else "does not name"
    return [
        tax,
        f"the answer to the repeat {number} the credit that stands; it is looked up by its reference either way",
    ]


def _negative_rows(trial: _Trial) -> Answer:
    answer = trial.write([(_ROW, "0.02", "0.00"), (_ROW, "-0.01", "0.00")])
    standing, lag = trial.standing([answer])
    refuses = answer.http_status is not None and 400 <= answer.http_status < 500 and not standing
    kept = [row.net_minor for credit in trial.client.sales_credits(standing) for row in credit.rows]
    told = _data(trial, standing, [answer], lag) | {"nets_minor": kept}
    if refuses:
        verdict = f'rows with a minus are refused ({answer.detail}): write [brightpearl] negative_rows = "refused", and fees are taken off the goods\' rows'
        return Answer([verdict], told | {"negative_rows": "refused"})
    if not standing:
        return Answer(_nothing_stands(trial, [answer]), told, status=1)
    if sorted(kept) == [-1, 2]:
        verdict, says = (
            'rows with a minus are kept as sent: [brightpearl] negative_rows = "allowed" is right',
            "allowed",
        )
    else:
        verdict, says = (
            f'the rows came back with other amounts ({kept}): write [brightpearl] negative_rows = "refused"',
            "refused",
        )
    return Answer([verdict, *_afterwards(trial, standing, lag)], told | {"negative_rows": says})


def _data(trial: _Trial, standing: list[int], answers: Sequence[WriteAnswer], lag: float | None) -> dict[str, Any]:
    return {
        "reference": trial.reference,
        "credits": standing,
        "http_statuses": [answer.http_status for answer in answers],
        "search_lag_seconds": None if lag is None else round(lag, 1),
    }


def _nothing_stands(trial: _Trial, answers: Sequence[WriteAnswer]) -> list[str]:
    reasons = "; ".join(answer.detail for answer in answers if answer.detail)
    return [
        f"no credit with reference {trial.reference} was found: {reasons or 'no reason was given'}",
        "nothing is proven; searches may lag, so look into Brightpearl for the reference before you try again",
    ]


def _afterwards(trial: _Trial, standing: list[int], lag: float | None) -> list[str]:
    named = ", ".join(str(credit_id) for credit_id in standing)
    lines = [
        f"clean up: cancel sales credit {named} in Brightpearl (reference {trial.reference}); no goods, no money and no posting are on it"
    ]
    if lag is not None:
        lines.append(f"a search showed it {lag:.1f} seconds after the answer")
    return lines
