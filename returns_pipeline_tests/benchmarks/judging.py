"""Judging a season at once: return lines matched to the rows that were sold, validated, and pro-rated in integers.

`python -m returns_pipeline_tests.benchmarks.judging 1000000` measures one size in a process of its own, so that its memory is its own.
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
from returns_pipeline.domain.matching import match_lines
from returns_pipeline.domain.proration import share_frame
from returns_pipeline_tests.domain import worlds

_LINES_PER_RETURN = 4


def world(lines: int) -> dict[str, pd.DataFrame]:
    """Returns of four lines each, on sales of four rows with two units; every eighth line names a SKU that was renamed."""
    numbers = np.arange(lines)
    returns = numbers[::_LINES_PER_RETURN]
    names = pd.Series([f"#UK{number}" for number in returns])
    skus = pd.Series([f"SKU-{number % 5000:04d}" for number in range(lines)])
    of_return = numbers // _LINES_PER_RETURN * _LINES_PER_RETURN
    sold = _many(worlds.sold(), lines).assign(
        order_id=of_return,
        order_row_id=numbers,
        product_id=numbers % 5000,
        sku=skus,
        quantity=2,
        shipped_quantity=2,
        net_minor=1999,
        tax_minor=400,
    )
    products = _many(worlds.products({}), 5000).assign(
        product_id=range(5000), sku=[f"SKU-{number:04d}" for number in range(5000)], barcode=None
    )
    renamed = numbers % 8 == 0
    sold.loc[renamed, "sku"] = "OLD-" + sold.loc[renamed, "sku"]
    return {
        "items": _many(worlds.items(), lines).assign(
            rma_id=of_return,
            returned_item_id=numbers,
            shipment_id=of_return,
            sku=skus,
            shopify_line_item_id=None,
            barcode=None,
        ),
        "rmas": _many(worlds.rmas(), len(returns)).assign(rma_id=returns, shopify_order_id=names, order_name=names),
        "orders": _many(worlds.orders(), len(returns)).assign(order_id=returns, external_ref=names, customer_ref=names),
        "order_rows": sold,
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
    frames = world(lines)
    seconds, begun = {}, time.perf_counter()
    judged = match_lines(**frames, shop=worlds.settings().shops[0], patience=worlds.PATIENCE, now=worlds.NOW)
    seconds["match"] = time.perf_counter() - begun
    good, held = schemas.validate("returns_return_lines", judged)
    seconds["validate"] = time.perf_counter() - begun - seconds["match"]
    shares = share_frame(_to_share(good, frames["order_rows"]))
    seconds["pro_rate"] = time.perf_counter() - begun - seconds["match"] - seconds["validate"]
    if (len(good), len(held), int(shares["tax_minor"].sum())) != (lines, 0, lines * 200):
        raise AssertionError(f"{len(good)} good and {len(held)} held lines with {shares['tax_minor'].sum()} tax")
    return {
        "lines": lines,
        "seconds": {step: round(taken, 2) for step, taken in seconds.items()},
        "total_seconds": round(sum(seconds.values()), 2),
        "peak_memory_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _to_share(lines: pd.DataFrame, sold: pd.DataFrame) -> pd.DataFrame:
    rows = lines[["order_row_id", "quantity"]].merge(
        sold[["order_row_id", "quantity", "net_minor", "tax_minor"]].rename(columns={"quantity": "ordered_qty"}),
        on="order_row_id",
        validate="m:1",
    )
    return rows.assign(price_mode="EXC", taken_qty=0, taken_net=0, taken_tax=0)


def _many(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    return frame.iloc[np.zeros(count, dtype="int64")].reset_index(drop=True)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
