"""A tick where nothing moves, over a short and a long past with the same open returns: what history costs. The past itself is made by `history`.

Each tick judges every open return, as one does in which something has moved; beside them one is timed in which all judgements stand.
"""

import os
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import history, season
from returns_pipeline_tests.benchmarks.calls import retailer

FEW_OPEN, OPEN = 500, 20_000
FEW, MANY = 10_000, 1_000_000
MOST_TIMES_AS_LONG = 1.2
_TICKS = 3
_AT_ONCE = 100_000
_JUDGING, _STANDING = ("again_after_minutes = 0", "again_after_minutes = 600")


def measure(few_open: int, open_returns: int, few: int, many: int) -> dict[str, Any]:
    """Ticks of one retailer: with few open returns and no past, then with so many open ones over `few` past returns, then over `many`."""
    judging = {"[ledger]": f"[judging]\n{_JUDGING}\n\n[ledger]"}
    with retailer({'posting = "automatic"': 'posting = "review"'} | judging) as sandbox:
        url = database.database_url()
        history.make_room(url, history.ROOM)
        originals = season.begin(sandbox)
        with database.connect() as connection:
            products = [row[0] for row in connection.execute("SELECT product_id FROM brightpearl_products ORDER BY 1")]
        told: dict[str, Any] = {"ticks_each": _TICKS}
        season.repeat(sandbox, originals, 1, few_open // len(originals) - 1)
        told["few_open"] = _over(url, 0)
        season.repeat(sandbox, originals, few_open // len(originals), open_returns // len(originals) - 1)
        made = many
        for name, past in (("few", few), ("many", many)):
            while made > many - past:
                first = max(made - _AT_ONCE, many - past) + 1
                history.fill(url, first, made, total=many, products=products)
                made = first - 1
            told[name] = _over(url, past)
    return told


def figures() -> dict[str, Any]:
    """Ten thousand and a million past returns, and how much longer a tick takes over the million."""
    told = measure(FEW_OPEN, OPEN, FEW, MANY)
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


def _over(url: str, past_returns: int) -> dict[str, Any]:
    """Ticks over what the database has now, after one that plans what waits for approval on the returns that were repeated."""
    history.settle_down(url)
    season.quieten()
    with database.connect() as connection:
        ((is_open,),) = connection.execute("SELECT count(*) FROM returngo_rmas WHERE is_open").fetchall()
    return {"past_returns": past_returns, "open_returns": is_open} | _ticks()


def _ticks() -> dict[str, Any]:
    """Seconds of ticks that move nothing and judge all the same, the rows that one reads, and seconds of one in which judgements stand."""
    seconds = []
    for _ in range(_TICKS):
        before = rows_read()
        seconds.append(_tick())
    read = rows_read() - before
    _turn(_JUDGING, _STANDING)
    # The first keeps what it judges.
    _tick()
    standing = _tick()
    _turn(_STANDING, _JUDGING)
    return {
        "fastest_seconds": round(min(seconds), 2),
        "median_seconds": round(statistics.median(seconds), 2),
        "standing_seconds": round(standing, 2),
        "rows_read": sum(read.values()),
        "most_read": dict(read.most_common(5)),
    }


def _tick() -> float:
    """Seconds of a sync that moves nothing."""
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    begun = time.perf_counter()
    result = sync(Scope())
    seconds = time.perf_counter() - begun
    if not result.is_good or result.moved:
        raise AssertionError(
            f"not a quiet tick: {result.failed_steps or result.closed_gates or +Counter(result.counts)}"
        )
    return seconds


def _turn(words: str, instead: str) -> None:
    """Changes a line of the retailer's settings for the syncs that follow."""
    path = Path(os.environ["RETURNS_SETTINGS"])
    written = path.read_text(encoding="utf-8")
    assert words in written
    path.write_text(written.replace(words, instead), encoding="utf-8")


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
