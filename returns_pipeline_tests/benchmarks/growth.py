"""A tick where nothing moves, over a short and a long past with the same open returns: what history costs. The past itself is made by `history`."""

import statistics
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import history
from returns_pipeline_tests.benchmarks.calls import Life, retailer

OPEN = 500
FEW, MANY = 10_000, 1_000_000
MOST_TIMES_AS_LONG = 1.2
_TICKS = 5
_AT_ONCE = 100_000


def measure(open_returns: int, few: int, many: int) -> dict[str, Any]:
    """Ticks of one retailer with so many open returns: over `few` past returns, then over `many`."""
    with retailer() as sandbox:
        url = database.database_url()
        history.make_room(url, many)
        life = Life(sandbox)
        life.sync()
        life.announce(open_returns)
        # The goods of the new orders are shipped within a day; before that nobody returns them.
        sandbox.post("/advance", {"hours": 25})
        life.sync()
        with database.connect() as connection:
            products = [row[0] for row in connection.execute("SELECT product_id FROM brightpearl_products ORDER BY 1")]
            ((is_open,),) = connection.execute("SELECT count(*) FROM returngo_rmas WHERE is_open").fetchall()
        told: dict[str, Any] = {"open_returns": is_open, "ticks_each": _TICKS}
        made = many
        for name, past in (("few", few), ("many", many)):
            while made > many - past:
                first = max(made - _AT_ONCE, many - past) + 1
                history.fill(url, first, made, total=many, products=products)
                made = first - 1
            history.settle_down(url)
            told[name] = {"past_returns": past} | _ticks()
    return told


def figures() -> dict[str, Any]:
    """Ten thousand and a million past returns, and how much longer a tick takes over the million."""
    told = measure(OPEN, FEW, MANY)
    return told | {
        "times_as_long": round(told["many"]["fastest_seconds"] / told["few"]["fastest_seconds"], 2),
        "times_the_rows": round(told["many"]["rows_read"] / told["few"]["rows_read"], 2),
    }


def broken_bounds(found: Mapping[str, Any]) -> list[str]:
    """A hundred times the history costs a fifth more at most."""
    return [
        f"a tick over {found['many']['past_returns']} past returns {what} {found[name]} times that over {found['few']['past_returns']}, above {MOST_TIMES_AS_LONG}"
        for name, what in (("times_as_long", "takes"), ("times_the_rows", "reads"))
        if found[name] > MOST_TIMES_AS_LONG
    ]


def _ticks() -> dict[str, Any]:
    """Seconds of ticks that move nothing, the first left out: it fills the caches. And the rows that one reads."""
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    seconds = []
    for _ in range(_TICKS + 1):
        before, begun = rows_read(), time.perf_counter()
        result = sync(Scope())
        seconds.append(time.perf_counter() - begun)
        if not result.is_good or result.moved:
            raise AssertionError(
                f"not a quiet tick: {result.failed_steps or result.closed_gates or +Counter(result.counts)}"
            )
    read = rows_read() - before
    return {
        "fastest_seconds": round(min(seconds[1:]), 2),
        "median_seconds": round(statistics.median(seconds[1:]), 2),
        "rows_read": sum(read.values()),
        "most_read": dict(read.most_common(5)),
    }


def rows_read() -> Counter[str]:
    """Rows that all sessions have read of each table so far, by Postgres's own count."""
    with database.connect() as connection:
        return Counter(
            dict(
                connection.execute(
                    """SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE schemaname = 'returns'"""
                ).fetchall()
            )
        )
