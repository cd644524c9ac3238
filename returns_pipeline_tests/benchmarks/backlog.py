"""A backlog after an outage: how much of the allowed calls a drain uses, in which order, and what it leaves to others. Counted at the sandbox.

With Brightpearl's 200 calls a minute it would take an hour and a half, so that the pool is scaled up; the minute is a real one. The pipeline works as
operators start it, `sync --until-idle`, in a process of its own and over HTTP, until the last return is posted.
"""

import random
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dagster import DagsterInstance, RunsFilter

from returns_pipeline.sandbox.http import LoggedRequest
from returns_pipeline.sandbox.serve import RunningSandbox
from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import live_account
from returns_pipeline_tests.benchmarks.live_account import Neighbour

RETURNS, LATE = 5_000, 20
# Ten times Brightpearl's pool, and as by default half of it is ours and 15% stay free for others.
POOL, SHARE, RESERVE = 2_000, 1_000, 300
# Half the default, so that a drain ends and the next run reads what is new while the backlog is waiting.
DRAIN_SECONDS = 240
# As much as our own share. He begins at a fifth of the postings.
NEIGHBOUR, NEIGHBOUR_SECONDS, NEIGHBOUR_COMES_AT = 1_000, 75, 0.2
LEAST_USED = 0.95
_MINUTE = 60.0
_CLOSE = re.compile(r"/sales-credit/(\d+)/close$")
_THROTTLED = 503


@dataclass
class Backlog:
    """Credits by the order in which their goods were received: before the drain began, and while it went on."""

    received: list[int]
    late: list[int]


def measure(returns: int, late: int) -> dict[str, Any]:
    """Lets so many received returns wait, and then lets the pipeline work until all are posted, beside a neighbour for a part of the time."""
    with live_account.retailer() as sandbox:
        backlog, raised = _goods_came(sandbox, returns, late)
        live_account.allow(sandbox, pool=POOL, share=SHARE / POOL, drain_seconds=DRAIN_SECONDS)
        before, mark = _passes(), len(sandbox.brightpearl.log.entries())
        with ExitStack() as processes:
            sync = processes.enter_context(live_account.syncing())
            neighbour = _live_through(sandbox, sync, backlog, mark, processes)
        calls = sandbox.brightpearl.log.entries(after=mark)
        told = {"returns": returns, "pool_per_minute": POOL, "share_per_minute": SHARE, "drain_seconds": DRAIN_SECONDS}
        told |= {"raised_a_second_unpaced": raised, "passes": _passes() - before}
        return told | _judged(calls, backlog, neighbour)


def _passes() -> int:
    with DagsterInstance.get() as instance:
        return instance.get_runs_count(RunsFilter(job_name="returns_sync"))


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
    sandbox: RunningSandbox, sync: live_account.Sync, backlog: Backlog, mark: int, processes: ExitStack
) -> Neighbour:
    """A neighbour comes for a while and late goods arrive; near the end, two more processes call what they may."""
    _wait_for_closes(sandbox, sync, mark, int(len(backlog.received) * NEIGHBOUR_COMES_AT))
    live_account.receive(sandbox, backlog.late)
    neighbour = Neighbour(sandbox, NEIGHBOUR)
    neighbour.call_for(NEIGHBOUR_SECONDS)
    _wait_for_closes(sandbox, sync, mark, int(len(backlog.received) * (1 - NEIGHBOUR_COMES_AT)))
    for _ in range(2):
        processes.enter_context(live_account.polling())
    _wait_for_closes(sandbox, sync, mark, len(backlog.received) + len(backlog.late))
    return neighbour


def _wait_for_closes(sandbox: RunningSandbox, sync: live_account.Sync, mark: int, count: int) -> None:
    while len(_closed(sandbox.brightpearl.log.entries(after=mark))) < count:
        assert sync.poll() is None, f"the sync ended before {count} credits were posted: {live_account.told(sync)}"
        time.sleep(1.0)


def _closed(calls: Sequence[LoggedRequest]) -> list[int]:
    return [int(found[1]) for call in calls if (found := _CLOSE.search(call.path))]


def _judged(calls: Sequence[LoggedRequest], backlog: Backlog, neighbour: Neighbour) -> dict[str, Any]:
    """What the sandbox saw from the first posting to the last, pauses between drains included."""
    closed = _closed(calls)
    posted_at = [call.at for call in calls if _CLOSE.search(call.path)]
    begin, end = posted_at[0], posted_at[len(backlog.received) - 1]
    every = [call.at for call in calls]
    # A neighbour's last minute of calls has left the pool a minute after he ended.
    alone = ((begin, neighbour.began_at), (neighbour.ended_at + _MINUTE, end))
    seconds = sum(max(0.0, until - since) for since, until in alone)
    used = sum(any(since <= at < until for since, until in alone) for at in every)
    beside = (neighbour.began_at + _MINUTE, neighbour.ended_at)
    return {
        "minutes": round((end - begin) / _MINUTE, 1),
        "calls_by_minute": _by_minute(every, begin, end),
        "minutes_alone": round(seconds / _MINUTE, 1),
        "used_of_share": round(used * _MINUTE / seconds / SHARE, 3),
        "longest_pause_seconds": round(max(after - before for before, after in pairwise(posted_at)), 1),
        "throttled": sum(call.status == _THROTTLED for call in calls),
        "most_in_a_rolling_minute": most_in_a_minute(every),
        "polls_by_two_other_processes": sum(live_account.is_polled(call) for call in calls),
        "neighbour_per_minute": NEIGHBOUR,
        "per_minute_beside_him": round(
            sum(beside[0] <= at < beside[1] for at in every) * _MINUTE / (beside[1] - beside[0])
        ),
        "left_beside_him": POOL - NEIGHBOUR - RESERVE,
        "reads": sum(call.method == "GET" and not live_account.is_polled(call) for call in calls),
        "posted": len(closed),
        "oldest_first": closed[: len(backlog.received)] == backlog.received,
        "late_ones_posted_last": closed[len(backlog.received) :] == backlog.late,
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
    return measure(RETURNS, LATE)


def broken_bounds(told: Mapping[str, Any]) -> list[str]:
    """What a backlog must hold, in words where it does not."""
    most, share, left = told["most_in_a_rolling_minute"], told["share_per_minute"], told["left_beside_him"]
    holds = {
        f"{told['used_of_share']} of the share is used, below {LEAST_USED}": told["used_of_share"] >= LEAST_USED,
        f"{told['throttled']} throttle answers": told["throttled"] == 0,
        f"{most} calls in a minute, above {share}": most <= share,
        f"{told['per_minute_beside_him']} calls a minute where {left} are left": told["per_minute_beside_him"] <= left,
        "the postings went in another order than the goods came": told["oldest_first"],
        "goods that came meanwhile were not posted after the backlog": told["late_ones_posted_last"],
        "nothing was read before the backlog was through": told["passes"] > 1,
    }
    return [words for words, is_kept in holds.items() if not is_kept]
