"""How many calls a return costs over its whole life, on the sandbox, beside the plain way of doing the same. No time is measured here.

The plain way is counted, not called: a detail of each open return and each order, credit and product by itself at every pass.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from returns_pipeline.commands.sandbox_process import Sandbox, running
from returns_pipeline.storage import database, embedded, home

RETURNS, COHORT = 20, 20
# Lists and searches cost the same for one return and for two hundred, so that a small number of returns is held to these alone.
MOST_PER_RETURN = {"returngo GET /rma/{id}": 1.0, "returngo PUT /shipment/{id}": 1.0, "brightpearl_writes": 4.0}
# Ordinary orders: one article, two, several of one article, a discount, a bundle. The odd ones are the scenarios'.
_ORDINARY = ("single", "pair", "single", "several", "single", "order_discount", "single", "bundle")
_SHOP = "uk"
INSPECTED_IN_RETURNGO = 'inspection_source = ["returngo", "job", "brightpearl_location"]'
INSPECTED_ELSEWHERE = 'inspection_source = ["job", "brightpearl_location"]'


@dataclass
class Cohort:
    """Returns that live through the same days together, and how far they are."""

    rma_ids: list[int]
    day: int = 0


@dataclass
class Life:
    """What was called while the returns lived."""

    sandbox: Sandbox
    plain: Counter[str] = field(default_factory=Counter)
    cohorts: list[Cohort] = field(default_factory=list)

    def act(self, actor: str, verb: str, **arguments: Any) -> Any:
        return self.sandbox.post("/act", {"actor": actor, "verb": verb, **arguments})

    def announce(self, count: int) -> None:
        """Customers ask for returns and customer service approves them."""
        rma_ids = []
        for number in range(count):
            order = self.act("customer", "buy", shop=_SHOP, shape=_ORDINARY[number % len(_ORDINARY)])
            rma = self.act("customer", "request_return", order_name=order["order_name"])
            rma_ids.append(rma["rma_id"])
        self.sandbox.post("/advance", {"hours": 1})
        for rma_id in rma_ids:
            self.act("cx", "approve", rma_id=rma_id)
        self.cohorts.append(Cohort(rma_ids))

    def next_day(self) -> None:
        """Every cohort goes a step on: delivered, booked in, paid and done."""
        for cohort in self.cohorts:
            cohort.day += 1
            for actor, verb in _DAYS.get(cohort.day, ()):
                for rma_id in cohort.rma_ids:
                    self.act(actor, verb, rma_id=rma_id)

    def sync(self) -> None:
        """The pipeline works until nothing moves; the plain way would have asked for each open thing by itself in every pass."""
        from returns_pipeline.commands import postings
        from returns_pipeline.commands.sync import sync
        from returns_pipeline.stages.passes import Scope

        for _ in range(2):
            result = sync(Scope(), until_idle=True)
            assert result.is_good, (result.failed_steps, result.closed_gates)
            self._ask_plainly(len(result.run_ids))
            if not postings.approve_waiting(by="Benchmark"):
                break

    def _ask_plainly(self, passes: int) -> None:
        with database.connect() as connection:
            ((returns, orders, credits, products),) = connection.execute(
                """SELECT count(DISTINCT r.rma_id), count(DISTINCT l.order_id), count(DISTINCT c.credit_id), count(DISTINCT l.product_id)
                     FROM returngo_rmas r LEFT JOIN returns_return_lines l USING (rma_id)
                     LEFT JOIN brightpearl_sales_credits c ON c.order_id = l.order_id WHERE r.is_open"""
            ).fetchall()
        self.plain["returngo"] += passes * returns
        self.plain["brightpearl_reads"] += passes * (orders + credits + products)


_DAYS: Mapping[int, tuple[tuple[str, str], ...]] = {
    1: (("carrier", "ship"), ("carrier", "deliver")),
    2: (("warehouse", "receive"),),
    3: (("cx", "refund"), ("cx", "mark_done")),
}


def live(sandbox: Sandbox, returns: int, cohort: int) -> dict[str, Any]:
    """Lets so many returns live from request to Done, and answers what that cost."""
    life = Life(sandbox)
    # What the retailer had before is read first: those calls are not these returns'.
    life.sync()
    begin, life.plain = calls(), Counter()
    while not life.cohorts or any(each.day < len(_DAYS) for each in life.cohorts):
        life.next_day()
        if len(life.cohorts) * cohort < returns:
            life.announce(min(cohort, returns - len(life.cohorts) * cohort))
        sandbox.post("/advance", {"hours": 12})
        life.sync()
    spent = calls() - begin
    quiet = _quiet_tick()
    return {
        "returns": returns,
        "cohort": cohort,
        "per_return": {name: round(total / returns, 3) for name, total in sorted(_in_short(spent).items())},
        "plain_per_return": {name: round(total / returns, 1) for name, total in sorted(life.plain.items())},
        "by_path": {" ".join(key): count for key, count in sorted(spent.items())},
        "quiet_tick": {" ".join(key): count for key, count in sorted(quiet.items())},
        "credits_posted": _posted(),
    }


def calls() -> Counter[tuple[str, str, str]]:
    """Calls written down so far, by API, method and path."""
    with database.connect() as connection:
        return Counter(
            {
                (api, method, path): int(count)
                for api, method, path, count in connection.execute(
                    "SELECT api, method, path_template, sum(calls) FROM api_calls GROUP BY 1, 2, 3"
                )
            }
        )


def _in_short(spent: Mapping[tuple[str, str, str], int]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (api, method, _), count in spent.items():
        name = api if api == "returngo" else f"brightpearl_{'reads' if method in ('GET', 'OPTIONS') else 'writes'}"
        totals[name] += count
    return totals


def _quiet_tick() -> Counter[tuple[str, str, str]]:
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    begin = calls()
    sync(Scope())
    return calls() - begin


def _posted() -> int:
    with database.connect() as connection:
        ((count,),) = connection.execute(
            "SELECT count(*) FROM effect WHERE kind = 'credit.post' AND state = 'confirmed'"
        ).fetchall()
    return int(count)


@contextmanager
def retailer(changes: Mapping[str, str] | None = None) -> Iterator[Sandbox]:
    """A sandbox, an embedded database and the environment of a live retailer who inspects outside ReturnGo.

    Args:
        changes: words of the retailer's settings -> what stands there instead.
    """
    from returns_pipeline.commands import runtime

    with tempfile.TemporaryDirectory(prefix="returns-calls-") as folder:
        before = dict(os.environ)
        os.environ["RETURNS_HOME"] = folder
        try:
            with running(seed=7) as sandbox:
                settings = Path(folder) / "settings.toml"
                written = without_returngo_inspection(sandbox.settings_toml)
                for words, instead in (changes or {}).items():
                    assert words in written
                    written = written.replace(words, instead)
                settings.write_text(written, encoding="utf-8")
                os.environ |= sandbox.environment | {
                    "RETURNS_SETTINGS": str(settings),
                    "RETURNS_MODE": "live",
                    "RETURNS_DATABASE_URL": embedded.renew(home.postgres()),
                }
                runtime.prepare()
                yield sandbox
        finally:
            embedded.stop(home.postgres())
            os.environ.clear()
            os.environ.update(before)


def without_returngo_inspection(settings_toml: str) -> str:
    """The retailer's settings where inspections come from the list or from Brightpearl's locations."""
    assert INSPECTED_IN_RETURNGO in settings_toml
    return settings_toml.replace(INSPECTED_IN_RETURNGO, INSPECTED_ELSEWHERE)


def figures() -> dict[str, Any]:
    """What the benchmark tells: calls per return, ours and the plain way's."""
    with retailer() as sandbox:
        return live(sandbox, RETURNS, COHORT)


def broken_bounds(told: Mapping[str, Any]) -> list[str]:
    """Which budgets were overrun, in words."""
    each = told["per_return"] | {path: count / told["returns"] for path, count in told["by_path"].items()}
    return [
        f"{name}: {each.get(name, 0)} calls per return, above {most}"
        for name, most in MOST_PER_RETURN.items()
        if each.get(name, 0) > most
    ]
