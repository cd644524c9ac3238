"""Judging a season at once: return lines matched to the rows that were sold, checked, decided about, and the proposals checked again.

`python -m returns_pipeline_tests.benchmarks.judging 1000000` measures one size in a process of its own, so that its memory is its own.
What is measured is what a pass runs: the functions of the stages `match` and `decide` with the tables' Pandera models, all on one core.
"""

import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from returns_pipeline import schemas
from returns_pipeline.domain.balances import opening_balances
from returns_pipeline.domain.credit_facts import CreditFacts
from returns_pipeline.domain.credits import propose_credits
from returns_pipeline.domain.matching import match_lines
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.storage.rows import frame

_LINES_PER_RETURN = 4
_PRODUCTS = 5000
# One return of so many is for the rules that go row by row: it has a restocking fee, for which the settings name no nominal code.
_ONE_ODD_OF = 100
_TAKEN = ("announced_qty", "announced_net", "announced_tax", "posted_qty", "posted_net", "posted_tax")


def world(lines: int) -> dict[str, pd.DataFrame]:
    """Returns of four lines in one parcel, one unit of two each, on sales with delivery; every eighth line names a SKU that was renamed.

    Prices are any to 200.00, half of the sales have theirs with tax in it, and one return of a hundred has a fee.
    """
    numbers, some = np.arange(lines), np.random.default_rng(7)
    returns = numbers[::_LINES_PER_RETURN]
    names = pd.Series([f"#UK{number}" for number in returns])
    skus = pd.Series([f"SKU-{number % _PRODUCTS:04d}" for number in range(lines)])
    of_return = numbers // _LINES_PER_RETURN * _LINES_PER_RETURN
    net = some.integers(100, 20_000, lines)
    goods = _many(worlds.sold(), lines).assign(
        order_id=of_return,
        order_row_id=numbers,
        product_id=numbers % _PRODUCTS,
        sku=skus,
        quantity=2,
        shipped_quantity=2,
        net_minor=net,
        tax_minor=net // 5,
    )
    renamed = numbers % 8 == 0
    goods.loc[renamed, "sku"] = "OLD-" + goods.loc[renamed, "sku"]
    text = worlds.sold({"product_id": None, "sku": None, "name": "Delivery", "net_minor": 400, "tax_minor": 80})
    delivery = _many(text, len(returns)).assign(order_id=returns, order_row_id=lines + returns)
    products = _many(worlds.products({}), _PRODUCTS).assign(
        product_id=range(_PRODUCTS), sku=[f"SKU-{number:04d}" for number in range(_PRODUCTS)], barcode=None
    )
    return {
        "items": _many(worlds.items(), lines).assign(
            rma_id=of_return,
            returned_item_id=numbers,
            shipment_id=of_return,
            sku=skus,
            shopify_line_item_id=None,
            barcode=None,
            restocking_fee_minor=np.where(of_return % (_ONE_ODD_OF * _LINES_PER_RETURN) == 0, 100, 0),
            return_reason="Too small",
        ),
        "rmas": _many(worlds.rmas(), len(returns)).assign(rma_id=returns, shopify_order_id=names, order_name=names),
        "orders": _many(worlds.orders(), len(returns)).assign(
            order_id=returns,
            external_ref=names,
            customer_ref=names,
            price_mode=some.choice(["EXC", "INC"], len(returns)),
        ),
        "order_rows": pd.concat([goods, delivery], ignore_index=True),
        "products": products,
        "decisions": worlds.decisions(),
    }


def figures() -> dict[str, Any]:
    """A tenth of a season, a season of a million lines, and how much longer the ten-fold takes."""
    few, many = (_in_a_process(lines) for lines in (100_000, 1_000_000))
    return {
        "few": few,
        "many": many,
        "ten_times_the_lines_take": round(many["total_seconds"] / few["total_seconds"], 1),
    }


def broken_bounds(found: dict[str, Any]) -> list[str]:
    """A million lines in half a minute and four gigabytes, and in proportion to their number."""
    bounds = (
        ("a million lines take {} s, not under 30", found["many"]["total_seconds"], 30),
        ("a million lines take {} MiB, not under 4096", found["many"]["peak_memory_mebibytes"], 4096),
        ("ten times the lines take {} times as long, not under 12", found["ten_times_the_lines_take"], 12),
    )
    return [words.format(figure) for words, figure, bound in bounds if figure >= bound]


def _in_a_process(lines: int) -> dict[str, Any]:
    answer = subprocess.run([sys.executable, "-m", __name__, str(lines)], check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured


def measure(lines: int) -> dict[str, Any]:
    """Seconds of each step and the process's highest memory, for so many lines."""
    frames, rules = world(lines), worlds.settings()
    shop, seconds, begun = rules.shops[0], {}, time.perf_counter()

    def done(step: str) -> None:
        seconds[step] = time.perf_counter() - begun - sum(seconds.values())

    judged = match_lines(**frames, shop=shop, patience=worlds.PATIENCE, now=worlds.NOW)
    done("match")
    good, held = schemas.validate("returns_return_lines", judged)
    done("check_lines")
    proposals = propose_credits(_facts(frames, good), shop, rules, worlds.NOW).proposals
    done("decide")
    ready, faulty = schemas.validate("returns_credit_proposals", proposals)
    done("check_proposals")
    _must_be_whole(lines, good, len(held) + len(faulty), ready, frames["order_rows"])
    return {
        "lines": lines,
        "seconds": {step: round(taken, 2) for step, taken in seconds.items()},
        "total_seconds": round(sum(seconds.values()), 2),
        "peak_memory_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _facts(frames: dict[str, pd.DataFrame], lines: pd.DataFrame) -> CreditFacts:
    rmas = frames["rmas"]
    nothing = {
        name: frame(table)
        for name, table in (
            ("transactions", "returngo_transactions"), ("receipts", "returns_receipts"), ("credits", "brightpearl_sales_credits"),
            ("credit_rows", "brightpearl_sales_credit_rows"),
        )
    }  # fmt: skip
    return CreditFacts(
        **frames,
        **nothing,
        return_lines=lines,
        shipments=_many(worlds.shipments(), len(rmas)).assign(shipment_id=rmas["rma_id"], rma_id=rmas["rma_id"]),
        balances=opening_balances(frames["orders"], frames["order_rows"]).assign(**dict.fromkeys(_TAKEN, 0)),
        effects=worlds.effects(),
        ledger_lines=worlds.ledger_lines(),
    )


def _must_be_whole(lines: int, good: pd.DataFrame, held: int, proposals: pd.DataFrame, sold: pd.DataFrame) -> None:
    """One unit of two of every row is proposed, at half of its tax to the half penny, and the odd returns are held."""
    tax = proposals.merge(sold[["order_row_id", "tax_minor"]], on="order_row_id", suffixes=("", "_sold"))
    off = (2 * tax["tax_minor"] - tax["tax_minor_sold"]).abs().max()
    odd = int((proposals["verdict"] == "held").sum())
    expected = -(-lines // (_ONE_ODD_OF * _LINES_PER_RETURN)) * _LINES_PER_RETURN
    if (len(good), held, len(proposals), odd) != (lines, 0, lines, expected) or off > 1:
        raise AssertionError(
            f"{len(good)} good lines, {held} held, {len(proposals)} proposals, {odd} odd, tax off by {off}"
        )


def _many(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    return frame.iloc[np.zeros(count, dtype="int64")].reset_index(drop=True)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
