"""How the account's searches behave: whether they show what was written, refuse what they do not know, list a credit's notes. Only reads."""

import datetime as dt
from collections.abc import Iterator, Mapping

import psycopg

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.brightpearl_search import Since
from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.doctor.history import DAYS, History
from returns_pipeline.doctor.point import Point, looked
from returns_pipeline.settings import Settings

_ORDER_SEARCH, _GOODS_IN_SEARCH = "/order-service/order-search", "/warehouse-service/goods-in-search"
_NO_COLUMN = "noSuchColumn"
_RAISED = """
SELECT remote_id::bigint, updated_at FROM effect
 WHERE kind = 'credit.raise' AND state = 'confirmed' AND created_at > now() - make_interval(days => %s)"""


def points(
    connection: psycopg.Connection, client: BrightpearlClient, settings: Settings, history: History, now: dt.datetime
) -> Iterator[Point]:
    """Three points; what the account has nothing of is not judged."""
    raised: Mapping[int, dt.datetime] = dict(connection.execute(_RAISED, (DAYS,)).fetchall())
    yield looked("searches show what was written", lambda: _lag(client, settings, history, raised, now))
    yield looked("a filter that searches do not know is seen through", lambda: ("", _unknown_filter(client, now)))
    yield looked("goods-in notes of credits are found", lambda: ("", _notes(client, history)))


def _lag(
    client: BrightpearlClient, settings: Settings, history: History, raised: Mapping[int, dt.datetime], now: dt.datetime
) -> tuple[str, str]:
    """Credits of ours that stand by their number and that the search of changes has not shown."""
    hidden = sorted(raised.keys() - history.shown)
    late = {credit.credit_id: now - raised[credit.credit_id] for credit in client.sales_credits(hidden)}
    seen = f"{len(raised) - len(hidden)} of {len(raised) - len(hidden) + len(late)} credits of ours of {DAYS} days are shown"
    if not late:
        return "", seen
    credit_id, age = max(late.items(), key=lambda entry: entry[1])
    seen += f"; credit {credit_id} is not, {age.total_seconds():.0f} s after it was known"
    horizon = settings.ledger.unknown_horizon_seconds
    if age.total_seconds() <= horizon:
        return "", seen
    return (
        f"write [ledger] unknown_horizon_seconds above {age.total_seconds():.0f}: within {horizon} s a credit that stands would be taken for absent",
        seen,
    )


def _unknown_filter(client: BrightpearlClient, now: dt.datetime) -> str:
    """What a search does with a filter that is no column; either way rows are held against what was asked."""
    try:
        next(client.search(_ORDER_SEARCH, {"createdOn": Since(now), _NO_COLUMN: 1}), None)
    except ReadFailed as failure:
        if failure.status is not None and failure.permanent:
            return f"refused with {failure.status}"
        if not failure.permanent:
            raise
    return "passed over in silence; each row is held against what was asked"


def _notes(client: BrightpearlClient, history: History) -> str:
    if not history.received:
        return "no received credit to ask for"
    credit_id = max(history.received)
    found = next(client.search(_GOODS_IN_SEARCH, {"purchaseOrderId": credit_id}), None)
    lists = "lists" if found else "does not list"
    return f"goods-in-search {lists} the notes of credit {credit_id}; they are read by the credit, which shows them"
