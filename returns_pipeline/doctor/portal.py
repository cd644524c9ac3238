"""What ReturnGo's own answers show, shop by shop: its clock, the time zone of its filters, who sets a parcel to Received. Some twenty calls of the day."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from functools import partial

import psycopg

from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.doctor import kept
from returns_pipeline.doctor.account import skew
from returns_pipeline.doctor.point import Point, looked
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.stages.accounts import Accounts

# Made when it is asked: a key that is not set is told by the point that needs it.
Client = Callable[[], ReturnGoClient]
_MOST_PARCELS, _MOST_RETURNS = 10, 100
_PERIOD = dt.timedelta(days=30)
_SECOND = dt.timedelta(seconds=1)
_MEND = (
    'write [returngo] confirm_status = "Validated": here Received is also what the carrier\'s delivery sets, so that a refund which waits for it does not wait for '
    "the bench. In ReturnGo's return policy let the refund follow the validation, or take Received off the carrier's tracking"
)
_ARRIVED = """
SELECT rma_id FROM returngo_shipments WHERE shop = %s AND status IN ('Received', 'Validated') GROUP BY rma_id ORDER BY rma_id DESC LIMIT %s"""


def points(connection: psycopg.Connection, settings: Settings, accounts: Accounts, now: dt.datetime) -> Iterator[Point]:
    """Three points for each shop."""
    for shop in settings.shops:
        label, client = f"shop {shop.label}", partial(accounts.returngo, shop)
        for what, look in (
            (
                "ReturnGo's Received means that the bench has the goods",
                partial(_received, connection, client, shop, settings),
            ),
            ("ReturnGo's filters are in UTC", partial(_filters, client, now)),
            ("ReturnGo's clock agrees", partial(_clock, client)),
        ):
            yield looked(f"{label}: {what}", look)


def _clock(client: Client) -> tuple[str, str]:
    return skew("ReturnGo", client().server_time), ""


def _received(
    connection: psycopg.Connection, client: Client, shop: ShopSettings, settings: Settings
) -> tuple[str, str]:
    """How often the timeline says that automation set a parcel to Received, and what went on without any goods-in."""
    arrived = connection.execute(_ARRIVED, (shop.label, _MOST_PARCELS)).fetchall()
    setters = [setter for (rma_id,) in arrived if (setter := client().received_by(rma_id))]
    automatic, counts = setters.count("automation"), kept.counts_of(connection, shop)
    unseen, ahead = counts["received_unseen"], counts["refunded_first"]
    seen = f"automation set {automatic} of {len(setters)} parcels looked at; {unseen} are Received without goods-in; {ahead} refunds went out before any goods-in"
    if settings.returngo.confirm_status != "Received" or not (automatic or unseen or ahead):
        return "", seen
    return _MEND, seen


def _filters(client: Client, now: dt.datetime) -> tuple[str, str]:
    """Whether the newest return is listed from its own second on, and not from the second after."""
    newest = max(_listed(client(), now - _PERIOD), default=None)
    if newest is None:
        return "", "no return in 30 days to ask for"
    is_there, is_later = newest in _listed(client(), newest), newest in _listed(client(), newest + _SECOND)
    seen = f"asked for a return of {newest:%H:%M:%S} UTC"
    if is_there and not is_later:
        return "", seen
    way = "earlier" if is_later else "later"
    return (
        f"ReturnGo takes times as {way} than UTC: up to four hours the lists overlap, beyond them a change is seen by the nightly sweep only",
        seen,
    )


def _listed(client: ReturnGoClient, since: dt.datetime) -> list[dt.datetime]:
    """When the newest returns were made that the list shows for a time, to the second."""
    rows = itertools.islice(client.list_rmas(created_since=since), _MOST_RETURNS)
    return [row.created_at.replace(microsecond=0) for row in rows if row.created_at]
