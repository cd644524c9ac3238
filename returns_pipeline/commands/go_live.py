"""`doctor --go-live SHOP`: what still stands against letting the pipeline write for one shop, each OK or with its mend. Only reads."""

from collections.abc import Iterator, Sequence

import psycopg

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.commands.doctor import answer_of
from returns_pipeline.doctor import account
from returns_pipeline.doctor.point import Point
from returns_pipeline.domain.shadow import agreement_of
from returns_pipeline.settings import Settings, ShopSettings, load_settings
from returns_pipeline.stages import shadowing
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database, gates
from returns_pipeline.storage.ledger import audit

# A kind of write needs those before it: what follows a credit must not run while credits are only planned.
_AFTER_CREDITS = ("refunds", "confirmations")


def examine(label: str) -> Answer:
    """Looks at one shop and answers one line per point; 1 where something stands against going live, 2 for an unknown shop."""
    runtime.prepare()
    settings = load_settings()
    if label not in {shop.label for shop in settings.shops}:
        known = ", ".join(shop.label for shop in settings.shops)
        return Answer([f"no shop is labelled {label!r}; the settings have {known}"], status=2)
    accounts = Accounts(settings)
    try:
        with database.connect() as connection:
            points = [
                *account.points(settings, accounts),
                *points_of_shop(connection, settings, settings.shop(label)),
            ]
    finally:
        accounts.close()
    return answer_of(points)


def points_of_shop(connection: psycopg.Connection, settings: Settings, shop: ShopSettings) -> Iterator[Point]:
    """What shadow mode, the database and the shop's own switches say."""
    yield from _of_comparison(connection, settings, shop)
    closed = [f"{gate.table}: {gate.reason}" for gate in gates.newest(connection, shop.label) if not gate.passed]
    yield Point("the shop's gates are open", not closed, "; ".join(closed))
    yield Point("no critical exception is open", *_of_exceptions(connection, shop))
    broken = audit.verify(connection)
    yield Point("the audit chain holds", broken is None, f"row {broken} was changed after it was written")
    armed_early = [
        switch
        for switch in _AFTER_CREDITS
        if getattr(shop.effects, switch) == "live" and shop.effects.credits != "live"
    ]
    yield Point(
        "credits go live first",
        not armed_early,
        f"[effects] {' and '.join(armed_early)} are live while credits are shadow: arm credits first, transfers last",
    )


def _of_comparison(connection: psycopg.Connection, settings: Settings, shop: ShopSettings) -> Iterator[Point]:
    wanted = settings.go_live
    found = agreement_of(shadowing.compared(connection, settings, shop), shop.currency)
    yield Point(
        f"{wanted.compared_returns} returns were planned and credited by people as well",
        found.compared >= wanted.compared_returns,
        f"{found.compared} were: leave the shop in shadow mode and let people go on posting, or lower [go_live] compared_returns",
    )
    share = min(found.hundredths_by_count, found.hundredths_by_money)
    yield Point(
        f"plans and people agree on {wanted.agreement_share:.0%} of them",
        share >= wanted.agreement_share * 10_000,
        f"{found.hundredths_by_count / 100:.1f} % agree by count, {found.hundredths_by_money / 100:.1f} % by money: "
        "run the job shadow_comparison and look at the differences",
    )


def _of_exceptions(connection: psycopg.Connection, shop: ShopSettings) -> tuple[bool, str]:
    rows: Sequence[tuple[str, int]] = connection.execute(
        "SELECT code, count(*) FROM exceptions_open WHERE shop = %s AND severity = 'critical' GROUP BY code ORDER BY code",
        (shop.label,),
    ).fetchall()
    return not rows, "; ".join(f"{count} x {code}" for code, count in rows)
