"""How many calls a return costs over its whole life, on the sandbox, beside the plain way of doing the same. No time is bounded here.

2,000 returns of `mix` begin over seven half days and live to their end, once where goods are inspected by their shelf and once where they are
inspected in ReturnGo. The pipeline makes one pass after each half day, and goes on until nothing moves twice: when most are open, and at the end.
So these are the calls that returns cause. A tick in which nothing moved costs what `quiet_tick` says, whatever the number of returns, but for a page
of ReturnGo's list for each 500 open ones: `quiet_tick_at_the_fullest` has them. Reads are shared by what a pass finds: a shop whose returns
come one by one in each tick pays a pass's reads for each.

The plain way reads a detail of each open return and each of their orders, credits and products by itself at every poll, and records each
transaction by itself. It is made once, when most are open, and must cost what was counted; for the other polls it is counted from what was open.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from returns_pipeline.commands.sandbox_process import Sandbox, running
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import mix
from returns_pipeline_tests.benchmarks.live_home import live_home

RETURNS, HALF_DAYS, SEED = 2000, 7, 7
INSPECTED_IN_RETURNGO = 'inspection_source = ["returngo", "job", "brightpearl_location"]'
INSPECTED_ELSEWHERE = 'inspection_source = ["job", "brightpearl_location"]'
# An expected return that nobody sent is cancelled within the simulated week.
_GIVEN_UP_AFTER_DAYS = 2
MOST_PER_RETURN = {
    "elsewhere": {"returngo": 2.0, "brightpearl_writes": 4.0, "brightpearl_reads": 0.2},
    "in_returngo": {"returngo": 3.0, "brightpearl_writes": 4.0, "brightpearl_reads": 0.2},
}
MOST_IN_A_QUIET_TICK = 3
MOST_FOR_NEW_GOODS = 2
_PAGE = 500
_TICK_HOURS = 1 / 6
Key = tuple[str, str, str, str]
_END = object()


class Life:
    """The returns of one shop, the pipeline's passes over them, and what the plain way would have called meanwhile."""

    def __init__(self, sandbox: Sandbox, *, inspects_in_returngo: bool = False) -> None:
        self.sandbox = sandbox
        self.people = mix.People(sandbox, inspects_in_returngo=inspects_in_returngo)
        self.plain: Counter[str] = Counter()
        self.polls = 0
        self.aside: Counter[Key] = Counter()
        self.fullest: dict[str, Any] = {}

    def announce(self, count: int) -> list[int]:
        """Customers buy, ask for returns, and customer service approves them; the numbers of their RMAs."""
        return mix.announced(self.people, count)

    def sync(self) -> None:
        """Ticks follow each other until nothing moves."""
        while self.work(_TICK_HOURS):
            pass

    def live(self, returns: int, half_days: int) -> Counter[Key]:
        """So many returns begin over these half days and live to their end; answers what that cost."""
        waiting = mix.returns(self.people, returns, SEED)
        # The goods of the new orders are shipped within a day; before that nobody returns them.
        self.sandbox.post("/advance", {"hours": 25})
        begin, self.plain, self.polls = calls_by_account(), Counter(), 0
        each_time = -(-returns // half_days)
        under_way: list[mix.Steps] = []
        while waiting or under_way:
            is_fullest = 0 < len(waiting) <= each_time
            under_way += waiting[:each_time]
            del waiting[:each_time]
            under_way = [steps for steps in under_way if next(steps, _END) is not _END]
            self.people.act("warehouse", "ship_transfers")
            self.work(12)
            if is_fullest:
                self._look_around()
        self._give_up_what_was_not_sent()
        return calls_by_account() - begin - self.aside

    def _look_around(self) -> None:
        """Most returns are open: what a tick without change costs then, and what the plain way does. Neither is a call of these returns."""
        self.sync()
        begin = calls_by_account()
        ticks = quiet_tick(self.sandbox)
        counted, made = plain_poll(), make_plain_poll()
        self.fullest = {
            "open_returns": counted["returngo"],
            "quiet_tick": ticks,
            "plain_poll": {"counted": dict(counted), "made": made},
        }
        self.aside = calls_by_account() - begin

    def work(self, hours: float) -> int:
        """So many hours later the pipeline makes a pass, and people approve what waits for them; answers how much moved."""
        from returns_pipeline.commands import postings

        moved = pass_once(self.sandbox, hours)
        self.polls += 1
        self.plain += plain_poll()
        return moved + postings.approve_waiting(by="Benchmark")

    def _give_up_what_was_not_sent(self) -> None:
        """A return that is asked for later tells the shop's clock; then the pipeline works until nothing moves."""
        self.sandbox.post("/advance", {"hours": 24 * _GIVEN_UP_AFTER_DAYS})
        self.announce(1)
        self.sync()


def figures() -> dict[str, Any]:
    """What the benchmark tells, by where goods are inspected."""
    return {"elsewhere": measure(RETURNS, HALF_DAYS), "in_returngo": measure(RETURNS, HALF_DAYS, in_returngo=True)}


def measure(returns: int, half_days: int, *, in_returngo: bool = False) -> dict[str, Any]:
    """Calls per return of one week, of a tick without change, and of goods that came in; ours and the plain way's."""
    with retailer(in_returngo=in_returngo) as sandbox:
        life = Life(sandbox, inspects_in_returngo=in_returngo)
        # What the retailer had before is read first: those calls are not these returns'.
        life.sync()
        begun = time.perf_counter()
        spent = life.live(returns, half_days)
        seconds = time.perf_counter() - begun
        ours = {name: round(total / returns, 3) for name, total in sorted(in_short(spent).items())}
        plain = {name: round(total / returns, 3) for name, total in sorted((life.plain + plain_writes()).items())}
        return {
            "returns": returns,
            "passes": life.polls,
            "seconds": round(seconds, 1),
            "per_return": ours,
            "plain_per_return": plain,
            "plain_to_ours": {name: round(plain[name] / ours[name], 1) for name in plain},
            "by_path": {" ".join(key): count for key, count in sorted(without_shop(spent).items())},
            "fullest": life.fullest,
            "quiet_tick": quiet_tick(sandbox),
            "new_goods_in": new_goods_in(life),
            "ledger": ledger_in_short(),
        }


def pass_once(sandbox: Sandbox, hours: float = _TICK_HOURS) -> int:
    """So many hours later, one pass of the pipeline; answers how much moved.

    Raises:
        AssertionError: a step failed or a gate closed.
    """
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    sandbox.post("/advance", {"hours": hours})
    result = sync(Scope())
    if not result.is_good:
        raise AssertionError(f"the pass failed: {result.failed_steps or result.closed_gates}")
    return result.moved


def calls() -> Counter[tuple[str, str, str]]:
    """Calls written down so far, by API, method and path."""
    return without_shop(calls_by_account())


def calls_by_account() -> Counter[Key]:
    """Calls written down so far, by API, shop (of ReturnGo's), method and path."""
    with database.connect() as connection:
        return Counter(
            {
                (api, shop, method, path): int(count)
                for api, shop, method, path, count in connection.execute(
                    "SELECT api, shop, method, path_template, sum(calls) FROM api_calls GROUP BY 1, 2, 3, 4"
                )
            }
        )


def without_shop(spent: Mapping[Key, int]) -> Counter[tuple[str, str, str]]:
    """The calls of all shops together."""
    totals: Counter[tuple[str, str, str]] = Counter()
    for (api, _, method, path), count in spent.items():
        totals[(api, method, path)] += count
    return totals


def in_short(spent: Mapping[Key, int]) -> Counter[str]:
    """Calls by account: ReturnGo's, and Brightpearl's reads and writes."""
    totals: Counter[str] = Counter()
    for (api, _, method, _), count in spent.items():
        name = api if api == "returngo" else f"brightpearl_{'reads' if method in ('GET', 'OPTIONS') else 'writes'}"
        totals[name] += count
    return totals


def quiet_tick(sandbox: Sandbox) -> dict[str, int]:
    """The calls of a tick in which nothing moves, by shop of ReturnGo and for Brightpearl's account."""
    while pass_once(sandbox):
        pass
    begin = calls_by_account()
    pass_once(sandbox)
    totals: Counter[str] = Counter()
    for (api, shop, _, _), count in (calls_by_account() - begin).items():
        totals[f"{api} {shop}".strip()] += count
    return dict(sorted(totals.items()))


_OPEN_IDS = """SELECT array_agg(DISTINCT r.rma_id), array_agg(DISTINCT l.order_id) FILTER (WHERE l.order_id IS NOT NULL),
       array_agg(DISTINCT c.credit_id) FILTER (WHERE c.credit_id IS NOT NULL), array_agg(DISTINCT l.product_id) FILTER (WHERE l.product_id IS NOT NULL)
  FROM returngo_rmas r LEFT JOIN returns_return_lines l USING (rma_id) LEFT JOIN brightpearl_sales_credits c ON c.order_id = l.order_id WHERE r.is_open"""


def _open_ids() -> list[list[int]]:
    """The open returns, and the orders, credits and products of them."""
    with database.connect() as connection:
        (found,) = connection.execute(_OPEN_IDS).fetchall()
    return [ids or [] for ids in found]


def plain_poll() -> Counter[str]:
    """What the plain way calls at a poll: each open return, and each order, credit and product of them, by itself."""
    returns, *others = _open_ids()
    return Counter({"returngo": len(returns), "brightpearl_reads": sum(len(ids) for ids in others)})


def make_plain_poll() -> dict[str, int]:
    """The same, called."""
    settings = load_settings()
    begin = calls_by_account()
    returns, orders, credits, products = _open_ids()
    accounts = Accounts(settings)
    try:
        for rma_id in returns:
            accounts.returngo(settings.shop(mix.SHOP)).rma_detail(rma_id)
        for order_id in orders:
            accounts.brightpearl.orders([order_id])
        for credit_id in credits:
            accounts.brightpearl.invoice_references([credit_id])
        for product_id in products:
            accounts.brightpearl.products([product_id])
    finally:
        accounts.close()
    return dict(in_short(calls_by_account() - begin))


def plain_writes() -> Counter[str]:
    """What the plain way writes for the same: a payment for each transaction, all else as we do."""
    with database.connect() as connection:
        ((confirmations, writes),) = connection.execute(
            """SELECT count(*) FILTER (WHERE kind = 'returngo.receive'),
                      sum(coalesce(jsonb_array_length(payload->'subject'->'transactions'), 1)) FILTER (WHERE kind <> 'returngo.receive')
                 FROM effect WHERE state = 'confirmed'"""
        ).fetchall()
    return Counter({"returngo": int(confirmations), "brightpearl_writes": int(writes)})


def new_goods_in(life: Life) -> dict[str, Any]:
    """The calls by which `new_goods_in_sensor` finds that goods were booked in on one of the open returns, and what it asks for."""
    from returns_pipeline.definitions import defs

    rma = life.people.approved(life.people.act("customer", "buy", shop=mix.SHOP, shape="single"))
    life.sync()
    cursor: str | None = None

    def tick() -> tuple[object, str | None, int]:
        begin = calls().total()
        with (
            dg.DagsterInstance.get() as instance,
            dg.build_sensor_context(
                instance=instance, cursor=cursor, repository_def=defs().get_repository_def()
            ) as context,
        ):
            answer = defs().get_repository_def().get_sensor_def("new_goods_in_sensor")(context)
            return answer, context.cursor, calls().total() - begin

    _, cursor, quiet = tick()
    life.people.send(rma)
    life.people.book_in(rma)
    request, cursor, found = tick()
    asked_for = request.run_config if isinstance(request, dg.RunRequest) else {}
    is_found = {"rma_ids": [rma["rma_id"]]} in [step["config"] for step in asked_for.get("ops", {}).values()]
    return {"calls_without": quiet, "calls_to_find": found, "is_found": is_found}


def ledger_in_short() -> dict[str, int]:
    """Confirmed effects by kind."""
    with database.connect() as connection:
        return dict(
            connection.execute(
                "SELECT kind, count(*)::int FROM effect WHERE state = 'confirmed' GROUP BY 1 ORDER BY 1"
            ).fetchall()
        )


@contextmanager
def retailer(changes: Mapping[str, str] | None = None, *, in_returngo: bool = False) -> Iterator[Sandbox]:
    """A sandbox, an embedded database and the environment of a live retailer who inspects outside ReturnGo, or in it.

    Args:
        changes: words of the retailer's settings -> what stands there instead.
        in_returngo: whether inspections come from ReturnGo besides.
    """
    with live_home() as go_live, running(seed=SEED) as sandbox:
        written = _settings(sandbox.settings_toml, in_returngo=in_returngo)
        for words, instead in (changes or {}).items():
            assert words in written
            written = written.replace(words, instead)
        go_live(sandbox.environment, written)
        yield sandbox


def _settings(settings_toml: str, *, in_returngo: bool) -> str:
    """The retailer's settings where inspections come from the list or from Brightpearl's locations, or from ReturnGo besides."""
    source = INSPECTED_IN_RETURNGO if in_returngo else INSPECTED_ELSEWHERE
    assert INSPECTED_IN_RETURNGO in settings_toml
    return settings_toml.replace(
        INSPECTED_IN_RETURNGO, f"{source}\ncancel_announced_after_days = {_GIVEN_UP_AFTER_DAYS}"
    )


def broken_bounds(told: Mapping[str, Any]) -> list[str]:
    """Which budgets were overrun, in words."""
    return [f"inspected {where}: {words}" for where, found in told.items() for words in _broken(where, found)]


def _broken(where: str, found: Mapping[str, Any]) -> Iterator[str]:
    for name, most in MOST_PER_RETURN[where].items():
        if found["per_return"].get(name, 0) > most:
            yield f"{name}: {found['per_return'][name]} calls per return, above {most}"
    for account, count in found["quiet_tick"].items():
        if count > MOST_IN_A_QUIET_TICK:
            yield f"{account}: {count} calls in a tick without change, above {MOST_IN_A_QUIET_TICK}"
    fullest = found["fullest"]
    more_pages = (fullest["open_returns"] - 1) // _PAGE
    for account, count in fullest["quiet_tick"].items():
        most = MOST_IN_A_QUIET_TICK + (more_pages if account.startswith("returngo") else 0)
        if count > most:
            yield f"{account}: {count} calls in a tick without change and {fullest['open_returns']} open returns, above {most}"
    if fullest["plain_poll"]["counted"] != fullest["plain_poll"]["made"]:
        yield f"the plain way was counted wrongly: {fullest['plain_poll']}"
    goods = found["new_goods_in"]
    if not goods["is_found"] or goods["calls_to_find"] > MOST_FOR_NEW_GOODS:
        yield f"goods that came in are found: {goods['is_found']}, with {goods['calls_to_find']} calls, above {MOST_FOR_NEW_GOODS}"
