"""From goods booked in to the credit confirmed in the ledger, in the real loop: Dagster's daemon with every sensor and schedule of the project.

Brightpearl's true quota, 100 receipts an hour at even distances, and nothing asked for by hand. A run's start-up is told apart: it is Dagster's own.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from returns_pipeline.sandbox.serve import RunningSandbox
from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import live_account

RECEIPTS, RECEIPTS_PER_HOUR = 12, 100
POOL, SHARE, DRAIN_SECONDS = 200, 0.5, 480
# What `new_goods_in_sensor` promises.
MOST_SECONDS = 120
_PATIENCE_SECONDS = 300


def measure(receipts: int, per_hour: int) -> dict[str, Any]:
    """So many returns come back, one after the other; how long each waits for its credit, and what the runs took."""
    with live_account.retailer() as sandbox:
        live_account.allow(sandbox, pool=live_account.PLENTY, share=1.0, drain_seconds=DRAIN_SECONDS)
        live_account.announce(sandbox, receipts)
        with live_account.syncing() as sync:
            live_account.told(sync)
        live_account.allow(sandbox, pool=POOL, share=SHARE, drain_seconds=DRAIN_SECONDS)
        sandbox.retailer.clock.to_now()
        sandbox.retailer.clock.live()
        with database.connect() as connection:
            credits = [
                int(row[0]) for row in connection.execute("SELECT remote_id FROM effect WHERE kind = 'credit.raise'")
            ]
        with live_account.daemon():
            _wait_until(
                lambda: (
                    _count("SELECT count(*) FROM heartbeats WHERE name = 'new_goods_in_sensor' AND beat_at IS NOT NULL")
                    > 0
                )
            )
            begun = time.time()
            booked = _receive(sandbox, credits, 3600 / per_hour)
            _wait_until(lambda: len(_confirmed_at()) == len(credits))
        waits = [_confirmed_at()[credit_id] - at for credit_id, at in booked.items()]
        return {
            "receipts": receipts,
            "per_hour": per_hour,
            "posting": "automatic",
            **_spread("seconds", waits),
            **_runs(begun),
        }


def _receive(sandbox: RunningSandbox, credits: Sequence[int], seconds_between: float) -> dict[int, float]:
    """Credit -> when its goods were booked in."""
    booked, next_at = {}, time.monotonic()
    for credit_id in credits:
        time.sleep(max(0.0, next_at - time.monotonic()))
        live_account.receive(sandbox, [credit_id])
        booked[credit_id] = time.time()
        next_at += seconds_between
    return booked


def _confirmed_at() -> dict[int, float]:
    with database.connect() as connection:
        return {
            int(credit_id): float(at)
            for credit_id, at in connection.execute(
                """SELECT e.payload->'subject'->>'credit_id', extract(epoch FROM min(a.at)) FROM effect e JOIN audit a USING (effect_id)
                    WHERE e.kind = 'credit.post' AND e.state = 'confirmed' AND a.what = 'confirmed' GROUP BY 1"""
            )
        }


def _runs(begun: float) -> dict[str, Any]:
    """How long the runs of the sync took since then: waiting in Dagster's queue, starting up to the first step, and working."""
    queued, starting, working = [], [], []
    with DagsterInstance.get() as instance:
        done = RunsFilter(job_name="returns_sync", statuses=[DagsterRunStatus.SUCCESS])
        for run in instance.get_runs(filters=done):
            stats = instance.get_run_stats(run.run_id)
            steps = [step.start_time for step in instance.get_run_step_stats(run.run_id) if step.start_time]
            if not steps or stats.launch_time is None or stats.launch_time < begun:
                continue
            queued.append(stats.launch_time - (stats.enqueued_time or stats.launch_time))
            starting.append(min(steps) - stats.launch_time)
            working.append((stats.end_time or min(steps)) - min(steps))
    named = {"queued": queued, "start_up": starting, "steps": working}
    return {"runs": len(starting)} | {name: _spread("seconds", values) for name, values in named.items() if values}


def _spread(unit: str, values: Sequence[float]) -> dict[str, Any]:
    """Median, 95th percentile by nearest rank, and the longest."""
    ordered = sorted(values)
    rank = max(0, -(-95 * len(ordered) // 100) - 1)
    named = {"median": statistics.median(ordered), "p95": ordered[rank], "longest": ordered[-1]}
    return {f"{name}_{unit}": round(value, 1) for name, value in named.items()}


def _count(query: Any) -> int:
    with database.connect() as connection:
        return int(connection.execute(query).fetchall()[0][0])


def _wait_until(holds: Any) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"waited {_PATIENCE_SECONDS} s for the loop to go on"
        time.sleep(0.5)


def figures() -> dict[str, Any]:
    """A dozen receipts at a hundred an hour: seven minutes of them, and the wait for the last one's credit."""
    return measure(RECEIPTS, RECEIPTS_PER_HOUR)


def broken_bounds(told: Mapping[str, Any]) -> list[str]:
    """Credits follow within two minutes, as the sensor says."""
    p95 = told["p95_seconds"]
    return [] if p95 <= MOST_SECONDS else [f"{p95} s from goods-in to a confirmed credit (p95), above {MOST_SECONDS} s"]
