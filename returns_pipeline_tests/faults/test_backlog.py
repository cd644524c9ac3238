"""A backlog beside other apps, small and on a clock that only waiting moves: real HTTP, the sandbox's pool, the shared minute in Postgres."""

import dataclasses
import datetime as dt

import psycopg
import pytest

from returns_pipeline.effects import kinds
from returns_pipeline.effects.runner import Runner
from returns_pipeline.sandbox.serve import RunningSandbox, serve
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline_tests.faults.shop import Shop
from returns_pipeline_tests.storage.clock import Clock

CAME = dt.datetime(2026, 2, 2, 8, tzinfo=dt.UTC)


class Account:
    """The sandbox with a small pool, whose calls are written down at the clock's moments."""

    def __init__(self, sandbox: RunningSandbox, clock: Clock, environment: dict[str, str]) -> None:
        self.sandbox, self.clock, self._environment = sandbox, clock, environment
        self.calls: list[tuple[float, bool]] = []
        self._opened: list[Accounts] = []
        self._take = sandbox.pool.take

    def narrow(self, per_minute: int) -> None:
        """From now on the pool is so small, and time passes by waiting only."""
        self.sandbox.pool.requests_per_minute, self.sandbox.pool.clock = per_minute, lambda: self.clock.now
        self.sandbox.pool.take = self._counted  # type: ignore[method-assign]

    def process(self) -> Accounts:
        """The clients of one more process of the pipeline."""
        settings = load_settings(self._environment)
        self._opened.append(Accounts(settings, self._environment, sleep=self.clock.sleep))
        return self._opened[-1]

    def close(self) -> None:
        for each in self._opened:
            each.close()

    def most_in_a_minute(self) -> int:
        moments = [moment for moment, _ in self.calls]
        return max(sum(begin <= moment < begin + 60 for moment in moments) for begin in moments)

    def _counted(self, neighbour_usage_per_minute: int) -> tuple[bool, dict[str, str]]:
        answer = self._take(neighbour_usage_per_minute)
        self.calls.append((self.clock.now, answer[0]))
        return answer


@pytest.fixture
def account(connection, tmp_path, monkeypatch):
    """An account of Brightpearl's true size, half of it ours, with retailers' sales in it."""
    clock = Clock(connection)
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path / "home"))
    with serve(seed=11) as sandbox:
        text = sandbox.settings_toml()
        for line, instead in {
            "brightpearl_per_minute = 20000": "brightpearl_per_minute = 200",
            "brightpearl_share = 1.0": "brightpearl_share = 0.5",
        }.items():
            assert line in text
            text = text.replace(line, instead)
        path = tmp_path / "small.toml"
        path.write_text(text)
        environment = {"RETURNS_SETTINGS": str(path), "RETURNS_MODE": "live", **sandbox.environment()}
        made = Account(sandbox, clock, environment)
        yield made
        made.close()


def test_a_backlog_is_posted_in_the_order_in_which_goods_came(account, connection: psycopg.Connection, tmp_path):
    """The first parcel in is paid first, whatever its credit's number; a pool with next to nothing left refuses nobody."""
    shops = [Shop(account.sandbox, connection, tmp_path) for _ in range(4)]
    hours = {0: 2, 1: 0, 2: 3, 3: 1}
    raised = [shop.raised() for shop in shops]
    for number, shop in enumerate(shops):
        plan = shop.posting(*raised[number])
        lines = tuple(dataclasses.replace(line, receipt_line_id=31 + number) for line in plan.lines)
        since = CAME + dt.timedelta(hours=hours[number])
        shop.plan(dataclasses.replace(plan, lines=lines, waiting_since=since))
        shop.accounts.close()
    account.narrow(200)
    account.sandbox.retailer.brightpearl.switches.neighbour_usage_per_minute = 167
    process = account.process()
    report = Runner(process, shops[0].settings, worker="backlog").drain(kinds.IN_ORDER)
    assert report.confirmed == 4
    posted = [path for method, path in shops[0].writes() if path.endswith("/close")]
    assert [int(path.split("/")[-2]) for path in posted] == [
        raised[number][0] for number in sorted(hours, key=hours.get)
    ]
    assert all(has_room for _, has_room in account.calls)
    assert account.clock.now > 60, "three calls a minute are left beside such a neighbour"


def test_two_processes_yield_to_a_neighbour_as_he_comes(account):
    """Whoever waits for a refusal to learn of others has been refused, and has had others refused."""
    account.narrow(200)
    switches = account.sandbox.retailer.brightpearl.switches
    processes = [account.process(), account.process()]
    while account.clock.now < 240:
        # He begins after two minutes; what the pool counts of him are his calls of the last minute.
        switches.neighbour_usage_per_minute = round(100 * min(1.0, max(0.0, account.clock.now - 120) / 60))
        for process in processes:
            process.brightpearl.warehouses()
    assert all(has_room for _, has_room in account.calls)
    # Polling leaves a quarter to writes: 75 of our 100, and 52 of the 70 that he leaves us beside the reserve.
    assert account.most_in_a_minute() == 75
    assert sum(moment < 60 for moment, _ in account.calls) == 75
    assert sum(180 <= moment < 240 for moment, _ in account.calls) <= 52
