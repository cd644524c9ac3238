"""A backlog after an outage: how much of the allowed calls a drain uses, in which order, and what it leaves to others. Counted at the sandbox.

Brightpearl's 200 calls a minute would take hours, so that the pool is scaled up to what a small machine can carry; the minute is a real one.
The pipeline works as operators start it, `sync --until-idle`, in a process of its own and over HTTP.
"""

import random
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from returns_pipeline.sandbox.http import LoggedRequest
from returns_pipeline.sandbox.serve import RunningSandbox
from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import live_account
from returns_pipeline_tests.benchmarks.live_account import Neighbour

RETURNS, LATE = 5_000, 20
# Twenty times Brightpearl's pool, and as by default half of it is ours and 15% stay free for others.
POOL, SHARE, RESERVE = 4_000, 2_000, 600
DRAIN_SECONDS = 150
NEIGHBOUR, NEIGHBOUR_SECONDS = 2_000, 75
LEAST_USED = 0.95
_MINUTE = 60.0
_CLOSE = re.compile(r"/sales-credit/(\d+)/close$")
_THROTTLED = 503


@dataclass
class Backlog:
    """Credits by the order in which their goods were received: before the drain began, and while it went on."""

    received: list[int]
    late: list[int]


def measure(returns: int, late: int, pool: int) -> dict[str, Any]:
    """Lets so many received returns wait, and then lets the pipeline work until nothing moves, with a neighbour for a part of the time."""
    with live_account.retailer() as sandbox:
        backlog, raised = _goods_came(sandbox, returns, late)
        live_account.allow(sandbox, pool=pool, share=SHARE / POOL, drain_seconds=DRAIN_SECONDS)
        mark = len(sandbox.brightpearl.log.entries())
        with ExitStack() as processes:
            sync = processes.enter_context(live_account.syncing())
            neighbour = _live_through(sandbox, sync, backlog, mark, pool, processes)
            told = live_account.told(sync)
        calls = sandbox.brightpearl.log.entries(after=mark)
        return {"returns": returns, "pool_per_minute": pool, "share_per_minute": pool * SHARE // POOL} | {
            "raised_a_second_unpaced": raised,
            "passes": len(told["run_ids"]),
            "failed_steps": told["failed_steps"],
            **_judged(calls, backlog, neighbour, pool * SHARE // POOL),
        }


def _goods_came(sandbox: RunningSandbox, returns: int, late: int) -> tuple[Backlog, float]:
    """Returns whose credits are raised and whose goods came in another order than the credits', and how fast the credits were raised."""
    live_account.allow(sandbox, pool=live_account.PLENTY, share=1.0, drain_seconds=3600)
    live_account.announce(sandbox, returns + late)
    with live_account.syncing() as sync:
        live_account.told(sync)
    moments = [call.at for call in sandbox.brightpearl.log.entries() if call.path.endswith("/sales-credit")]
    with database.connect() as connection:
        credits = [
            int(row[0])
            for row in connection.execute(
                "SELECT remote_id FROM effect WHERE kind = 'credit.raise' AND state = 'confirmed'"
            )
        ]
    assert len(credits) == returns + late, f"{len(credits)} credits stand for {returns + late} returns"
    random.Random(7).shuffle(credits)  # noqa: S311 - an order of arrival
    backlog = Backlog(credits[:returns], credits[returns:])
    live_account.receive(sandbox, backlog.received)
    return backlog, round(len(moments) / (moments[-1] - moments[0]), 1)


def _live_through(
    sandbox: RunningSandbox, sync: live_account.Sync, backlog: Backlog, mark: int, pool: int, processes: ExitStack
) -> Neighbour:
    """At two fifths of the postings a neighbour comes for a while and late goods arrive; with him gone, two more processes call what they may."""
    _wait_for_closes(sandbox, sync, mark, 2 * len(backlog.received) // 5)
    live_account.receive(sandbox, backlog.late)
    neighbour = Neighbour(sandbox, NEIGHBOUR * pool // POOL)
    neighbour.call_for(NEIGHBOUR_SECONDS)
    time.sleep(_MINUTE)
    for _ in range(2):
        processes.enter_context(live_account.polling())
    return neighbour


def _wait_for_closes(sandbox: RunningSandbox, sync: live_account.Sync, mark: int, count: int) -> None:
    while len(_closed(sandbox.brightpearl.log.entries(after=mark))) < count:
        assert sync.poll() is None, f"the sync ended before {count} credits were posted: {live_account.told(sync)}"
        time.sleep(1.0)


def _closed(calls: Sequence[LoggedRequest]) -> list[int]:
    return [int(found[1]) for call in calls if (found := _CLOSE.search(call.path))]


def _judged(calls: Sequence[LoggedRequest], backlog: Backlog, neighbour: Neighbour, share: int) -> dict[str, Any]:
    """What the sandbox saw from the first posting to the last write, the polling of other processes apart."""
    ours = [call.at for call in calls if not live_account.is_polled(call)]
    writes = [call.at for call in calls if call.method != "GET"]
    begin = next(call.at for call in calls if _CLOSE.search(call.path))
    end = writes[-1]
    # A neighbour's last minute of calls has left the pool a minute after he ended.
    alone = [(begin, neighbour.began_at), (neighbour.ended_at + _MINUTE, end)]
    allowed = sum(max(0.0, until - since) for since, until in alone) * share / _MINUTE
    used = sum(any(since <= at < until for since, until in alone) for at in ours)
    yielding = (neighbour.began_at + _MINUTE, neighbour.ended_at)
    closed = _closed(calls)
    every = sorted(call.at for call in calls)
    return {
        "minutes": round((end - begin) / _MINUTE, 1),
        "calls_by_minute": _by_minute(ours, begin, end),
        "used_of_share": round(used / allowed, 3),
        "throttled": sum(call.status == _THROTTLED for call in calls),
        "most_in_a_rolling_minute": most_in_a_minute(every),
        "polls_by_two_other_processes": sum(live_account.is_polled(call) for call in calls),
        "neighbour_per_minute": neighbour.per_minute,
        "per_minute_beside_him": round(
            sum(yielding[0] <= at < yielding[1] for at in ours) * _MINUTE / (yielding[1] - yielding[0])
        ),
        "most_that_is_left_beside_him": neighbour.pool - neighbour.per_minute - neighbour.pool * RESERVE // POOL,
        "writes": len(writes),
        "posted": len(closed),
        "oldest_first": closed[: len(backlog.received)] == backlog.received,
        "late_ones_posted_last": sorted(closed[len(backlog.received) :]) == sorted(backlog.late),
        "longest_pause_seconds": round(max(after - before for before, after in zip(ours, ours[1:], strict=False)), 1),
    }


def _by_minute(moments: Sequence[float], begin: float, end: float) -> list[int]:
    counts = [0] * (int((end - begin) // _MINUTE) + 1)
    for at in moments:
        if begin <= at <= end:
            counts[int((at - begin) // _MINUTE)] += 1
    return counts


def most_in_a_minute(moments: Sequence[float]) -> int:
    """The most calls that any sixty seconds held; the moments must be in order."""
    first, most = 0, 0
    for number, at in enumerate(moments):
        while at - moments[first] >= _MINUTE:
            first += 1
        most = max(most, number - first + 1)
    return most


def figures() -> dict[str, Any]:
    """Five thousand received returns, drained beside a neighbour and with other processes of the pipeline."""
    return measure(RETURNS, LATE, POOL)


def broken_bounds(told: Mapping[str, Any]) -> list[str]:
    """What a backlog must hold, in words where it does not."""
    share = told["share_per_minute"]
    kept = {
        f"{told['used_of_share']} of the share is used, below {LEAST_USED}": told["used_of_share"] >= LEAST_USED,
        f"{told['throttled']} throttle answers": told["throttled"] == 0,
        f"{told['most_in_a_rolling_minute']} calls in a minute, above {share}": told["most_in_a_rolling_minute"]
        <= share,
        f"{told['per_minute_beside_him']} calls a minute beside a neighbour who leaves {told['most_that_is_left_beside_him']}": told[
            "per_minute_beside_him"
        ]
        <= told["most_that_is_left_beside_him"],
        "the postings went in another order than the goods came": told["oldest_first"],
        "goods that came during the drain were not posted after it": told["late_ones_posted_last"],
        f"{told['posted']} postings for {told['returns']} returns": told["posted"] >= told["returns"],
        f"steps failed: {told['failed_steps']}": not told["failed_steps"],
    }
    return [words for words, holds in kept.items() if not holds]
