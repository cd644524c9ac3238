"""Reads ReturnGo: which returns are open, the details that changed, the transactions. Brightpearl's are in `ingest_sales` and `ingest_credits`.

Calls are the currency: open returns are listed in pages of 500, and a detail is fetched only when the list shows a change that it does not tell itself,
when an inspection may have happened, or when a person asks.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent, Priority
from returns_pipeline.clients.records_returngo import RecordRejected, RmaDetail, RmaListRow, Transaction
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.domain.findings import Finding
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages import polling
from returns_pipeline.stages.gatekeeping import Batch, collector, commit, rejected_record
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.reading import as_it_was, each_shop, refuse
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import cursors, open_returns, quota_days
from returns_pipeline.storage.frames import of_records

OPEN_STATUSES = ("Approved", "Received", "Validated")
_CHANGED_SINCE = "returngo_rmas_changed_since"
_TRANSACTIONS_SINCE = "returngo_transactions_changed_since"
# ReturnGo's stamps have been seen three hours apart for one moment, so that the window overlaps generously; rows are keyed and absorb it.
_OVERLAP = dt.timedelta(hours=4)
_FEWEST_OPEN_TO_DOUBT_AN_EMPTY_LIST = 5
_ANSWERED = 200
# Names of orders in one call; an address has its limits.
_NAMES_PER_CALL = 50
_RETURN_TABLES = ("returngo_rmas", "returngo_return_items")
_TRANSACTION_TABLES = ("returngo_transactions",)
_NOT_OF_THIS_SHOP = "none of the returns that this run is about is this shop's"


@dataclass(frozen=True)
class _Listing:
    """What the lists said of each RMA id, and which ids the list of open returns had."""

    rows: dict[int, RmaListRow]
    open_ids: set[int]

    def fingerprint(self, rma_id: int) -> str | None:
        """What the row looked like, its status apart; None when no list had it."""
        return self.rows[rma_id].fingerprint if rma_id in self.rows else None


def read_returns(stage_pass: Pass) -> tuple[StageReport, StageReport]:
    """Returns and their units of every shop: one report each. A shop that cannot be read keeps its rows and closes its gates.

    Raises:
        MissingCredential, NotAllowed: a variable of any account is missing; nothing was read from any of them.
        ReadFailed: no shop at all could be read.
    """
    stage_pass.accounts.check()
    both = each_shop(stage_pass, _read_shop, _RETURN_TABLES)
    rmas, items = StageReport(), StageReport()
    rmas.counts, rmas.offenders, rmas.notes = both.counts, both.offenders, both.notes
    rmas.gates = [gate for gate in both.gates if gate.table == "returngo_rmas"]
    items.gates = [gate for gate in both.gates if gate.table == "returngo_return_items"]
    items.money = both.money
    items.counts["rows"] = both.counts["units"]
    return rmas, items


def read_transactions(stage_pass: Pass) -> StageReport:
    """Transactions that changed since the last pass, joined to their return by the units they name."""
    return each_shop(stage_pass, _read_shop_transactions, _TRANSACTION_TABLES)


def _read_shop(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    client = stage_pass.accounts.returngo(shop)
    unusable: list[Finding] = []
    client.reject = collector(unusable, shop.label, "rma")
    open_returns.close_settled(stage_pass.connection, shop.label)
    known = open_returns.known(stage_pass.connection, shop.label)
    moved: dict[int, str] = {}
    if stage_pass.scope.rma_ids:
        listing, wanted = _Listing({}, set()), _named(stage_pass, shop)
        if not wanted:
            return as_it_was(stage_pass, shop.label, _RETURN_TABLES, _NOT_OF_THIS_SHOP)
        may_read = len(wanted)
    else:
        if rest := polling.why_rest(stage_pass, shop, polling.RETURNS_ASKED_AT):
            return as_it_was(stage_pass, shop.label, _RETURN_TABLES, rest)
        listing = _with_gone(client, _list(stage_pass, shop, client), known)
        if refusal := _empty_where_it_cannot_be(listing, known):
            return refuse(stage_pass, shop.label, _RETURN_TABLES, refusal)
        changed, moved = _wanted_details(stage_pass, shop, listing, known)
        wanted = sorted(changed)
        day = stage_pass.accounts.day_of(stage_pass.connection, shop).with_details_due(len(wanted))
        may_read = day.plan.may_take.details
    details, rejected = _details(client, shop, wanted[:may_read])
    left = len(wanted) - len(details) - len(rejected)
    if stage_pass.scope.is_sweep:
        again, unreadable = _details(client, shop, _second_look(known, wanted), Priority.BACKFILL)
        details, rejected = details + again, rejected + unreadable
    report = _store(stage_pass, shop, listing, known, details, [*unusable, *rejected], left)
    if left:
        report.notes.append(
            f"{shop.label}: {left} of {len(wanted)} changed returns wait until the day has calls for their details"
        )
    report.counts["changed_rows"] += open_returns.move_on(stage_pass.connection, shop.label, moved)
    if all(gate.passed for gate in report.gates):
        read = [detail.rma.rma_id for detail in details] + [finding.rma_id for finding in rejected if finding.rma_id]
        listed_as = {rma_id: _told(listing.rows[rma_id]) for rma_id in read if rma_id in listing.rows}
        open_returns.remember_unusable(stage_pass.connection, shop.label, listed_as, stage_pass.now)
    return report


def _named(stage_pass: Pass, shop: ShopSettings) -> list[int]:
    """The returns that the run is about and that may be this shop's: asked for in another shop, a known one costs a call and closes a gate."""
    shop_of = open_returns.shops_of(stage_pass.connection, stage_pass.scope.rma_ids)
    return sorted(rma_id for rma_id in stage_pass.scope.rma_ids if shop_of.get(rma_id, shop.label) == shop.label)


def _list(stage_pass: Pass, shop: ShopSettings, client: ReturnGoClient) -> _Listing:
    open_rows = {row.rma_id: row for row in client.list_rmas(statuses=OPEN_STATUSES)}
    rows = dict(open_rows)
    since = cursors.read(stage_pass.connection, _CHANGED_SINCE, shop.label)
    if since is not None:
        changed = client.list_rmas(updated_since=dt.datetime.fromisoformat(since) - _OVERLAP)
        rows |= {row.rma_id: row for row in changed if row.status != "Pending"}
    return _Listing(rows, set(open_rows))


def _with_gone(client: ReturnGoClient, listing: _Listing, known: pd.DataFrame) -> _Listing:
    """Adds the rows of open returns that left the lists, asked for by the names of their orders; a single one is as cheap by its detail."""
    gone = _gone(listing, known)
    names = sorted({name for name in gone["order_name"] if name and "," not in name})
    if len(gone) < 2:
        return listing
    for start in range(0, len(names), _NAMES_PER_CALL):
        for row in client.list_rmas(order_names=names[start : start + _NAMES_PER_CALL]):
            if row.rma_id in set(gone["rma_id"]):
                listing.rows[row.rma_id] = row
    return listing


def _gone(listing: _Listing, known: pd.DataFrame) -> pd.DataFrame:
    listed_open = known[known["is_open"] & known["status"].isin(OPEN_STATUSES)]
    return listed_open[~listed_open["rma_id"].isin(list(listing.rows))]


def _empty_where_it_cannot_be(listing: _Listing, known: pd.DataFrame) -> str | None:
    unseen = len(_gone(listing, known))
    if listing.open_ids or unseen < _FEWEST_OPEN_TO_DOUBT_AN_EMPTY_LIST:
        return None
    return f"ReturnGo's list of open returns came back empty although {unseen} were open at the last pass, and no other list has them: look at the shop's name and key"


def _wanted_details(
    stage_pass: Pass, shop: ShopSettings, listing: _Listing, known: pd.DataFrame
) -> tuple[set[int], dict[int, str]]:
    """Whose details are to be read, and whose new status the list tells by itself."""
    seen = {row.rma_id: row for row in known.itertuples()}
    parcels = open_returns.untold_parcels(stage_pass.connection, shop.label)
    unusable = open_returns.unusable(stage_pass.connection, shop.label, stage_pass.now)
    wanted, moved = set(_gone(listing, known)["rma_id"]), {}
    for rma_id, row in listing.rows.items():
        before = seen.get(rma_id)
        if before is None or before.list_fingerprint != row.fingerprint:
            if unusable.get(rma_id) != _told(row):
                wanted.add(rma_id)
        elif before.status != row.status:
            if _list_tells(stage_pass, shop, before.status, row.status, parcels.get(rma_id)):
                moved[rma_id] = row.status
            else:
                wanted.add(rma_id)
    if "returngo" in shop.policy.inspection_source:
        wanted |= open_returns.awaiting_inspection(stage_pass.connection, shop.label, stage_pass.now)
    return {int(rma_id) for rma_id in wanted}, moved


def _second_look(known: pd.DataFrame, wanted: Sequence[int]) -> list[int]:
    """Open returns that nothing speaks for, the longest unread first: what a sweep reads with the calls that today's work leaves."""
    unread = known[known["is_open"] & ~known["rma_id"].isin(list(wanted))]
    return [int(rma_id) for rma_id in unread.sort_values(["detail_read_at", "rma_id"])["rma_id"]]


def _told(row: RmaListRow) -> str:
    return f"{row.status} {row.fingerprint}"


def _list_tells(stage_pass: Pass, shop: ShopSettings, before: str, now: str, untold: list[str] | None) -> bool:
    """Whether a new status says all that the detail would.

    An arrival of the only parcel does; so do a withdrawal, after which nothing of the detail is asked for until a reopening, and an end that our own
    confirmation brought. Where receipts come from inspections in ReturnGo, every change may carry one.
    """
    if untold is None or before not in OPEN_STATUSES or shop.policy.receipt_source == "returngo_validated":
        return False
    if now == "Received":
        return before == "Approved" and len(untold) <= 1
    if now == "Validated":
        return not untold and stage_pass.settings.returngo.confirm_status == "Validated"
    return now in ("Canceled", "Rejected") or (now == "Done" and not untold)


def _details(
    client: ReturnGoClient, shop: ShopSettings, rma_ids: Sequence[int], priority: Priority = Priority.POLL
) -> tuple[list[RmaDetail], list[Finding]]:
    details, rejected = [], []
    for rma_id in rma_ids:
        try:
            details.append(client.rma_detail(rma_id, priority))
        except RecordRejected as rejection:
            rejected.append(rejected_record(rejection, shop.label, "rma", str(rma_id)))
        except ReadFailed as failure:
            if failure.status != _ANSWERED:
                raise
            rejected.append(_unreadable(failure, shop.label, rma_id))
        except BudgetSpent:
            # What was read is kept; the rest is read when the day has calls again, because its fingerprint stays unknown.
            break
    return details, rejected


def _unreadable(failure: ReadFailed, shop: str, rma_id: int) -> Finding:
    """The finding for a return that ReturnGo answered with something that is no JSON: the shop's other returns go on."""
    return Finding(
        code="record_malformed",
        subject_type="rma",
        subject_id=str(rma_id),
        shop=shop,
        cause=str(failure),
        rma_id=rma_id,
        expected="a return that can be read",
        found="an answer that is no JSON",
    )


def _store(
    stage_pass: Pass,
    shop: ShopSettings,
    listing: _Listing,
    known: pd.DataFrame,
    details: Sequence[RmaDetail],
    rejected: Sequence[Finding],
    left: int,
) -> StageReport:
    was_open = set(known.loc[known["is_open"], "rma_id"])
    # A run about single returns reads no list: what the last one said stays.
    fingerprints = dict(zip(known["rma_id"], known["list_fingerprint"], strict=True))
    rmas = of_records(
        "returngo_rmas",
        [detail.rma for detail in details],
        shop=shop.label,
        list_fingerprint=[
            listing.fingerprint(detail.rma.rma_id) or fingerprints.get(detail.rma.rma_id) for detail in details
        ],
        is_open=[_is_open(detail.rma.status, detail.rma.rma_id, was_open) for detail in details],
        first_seen_at=stage_pass.now,
        detail_read_at=stage_pass.now,
    )
    rma_ids = rmas["rma_id"].tolist()
    shipments = of_records(
        "returngo_shipments", [entry for detail in details for entry in detail.shipments], shop=shop.label
    )
    items = of_records(
        "returngo_return_items", [entry for detail in details for entry in detail.items], shop=shop.label
    )
    report = commit(
        stage_pass,
        shop.label,
        "ingest:returns",
        [
            Batch("returngo_rmas", rmas, "rma", "rma_id", rejected=rejected),
            Batch("returngo_shipments", shipments, "rma", "rma_id", parents=("rma_id", rma_ids)),
            Batch("returngo_return_items", items, "rma", "rma_id", parents=("rma_id", rma_ids)),
        ],
        moved_cursors=_moved(
            stage_pass,
            shop,
            _CHANGED_SINCE,
            # What is left unread must be listed again, whatever was stamped later and is read already.
            ()
            if left
            else (stamp for detail in details for stamp in (detail.rma.created_at, detail.rma.last_updated_at)),
        )
        | polling.asked_now(stage_pass, polling.RETURNS_ASKED_AT)
        | ({} if stage_pass.scope.rma_ids else {quota_days.DETAILS_LEFT: str(left)}),
    )
    report.counts["units"] = len(items)
    report.add_money("paid", items, "shop_paid_price_minor", "shop_currency")
    report.counts["details_read"] = len(details) + len(rejected)
    report.counts["details_left"] = left
    report.counts["open_returns"] = len(listing.open_ids)
    return report


def _is_open(status: str, rma_id: int, was_open: set[int]) -> bool:
    """Open until it is settled here too: ReturnGo's Done may only mean that the customer has the money."""
    return status in OPEN_STATUSES or rma_id in was_open or status == "Done"


def _read_shop_transactions(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    client = stage_pass.accounts.returngo(shop)
    rejected: list[Finding] = []
    client.reject = collector(rejected, shop.label, "transaction")
    since = cursors.read(stage_pass.connection, _TRANSACTIONS_SINCE, shop.label)
    earliest = open_returns.earliest_creation(stage_pass.connection, shop.label)
    if earliest is None:
        return commit(stage_pass, shop.label, "ingest:transactions", [_transaction_batch(shop, [], {})])
    if stage_pass.scope.rma_ids:
        of_shop = _named(stage_pass, shop)
        rest = None if of_shop else _NOT_OF_THIS_SHOP
        asked: dict[str, Any] = {"rma_ids": of_shop}
    else:
        rest = polling.why_rest(stage_pass, shop, polling.TRANSACTIONS_ASKED_AT)
        asked = {"updated_since": dt.datetime.fromisoformat(since) - _OVERLAP if since else earliest}
    if rest is not None:
        return as_it_was(stage_pass, shop.label, _TRANSACTION_TABLES, rest)
    transactions = list(client.list_transactions(**asked))
    named = {item_id for transaction in transactions for item_id in transaction.returned_item_ids}
    rma_of_item = open_returns.rma_of_items(stage_pass.connection, named)
    report = commit(
        stage_pass,
        shop.label,
        "ingest:transactions",
        [replace(_transaction_batch(shop, transactions, rma_of_item), rejected=rejected)],
        moved_cursors=_moved(
            stage_pass, shop, _TRANSACTIONS_SINCE, (t.last_updated_at or t.created_at for t in transactions)
        )
        | polling.asked_now(stage_pass, polling.TRANSACTIONS_ASKED_AT),
    )
    for transaction in transactions:
        if transaction.status == "Success":
            report.money[("refunded", transaction.shop_currency)] += transaction.shop_amount_minor
    return report


def _transaction_batch(
    shop: ShopSettings, transactions: Sequence[Transaction], rma_of_item: Mapping[int, int]
) -> Batch:
    rma_ids = [
        next((rma_of_item[item] for item in entry.returned_item_ids if item in rma_of_item), None)
        for entry in transactions
    ]
    return Batch(
        "returngo_transactions",
        of_records("returngo_transactions", transactions, shop=shop.label, rma_id=rma_ids),
        "transaction",
        "transaction_id",
    )


def _moved(stage_pass: Pass, shop: ShopSettings, name: str, stamps: Iterable[dt.datetime | None]) -> dict[str, str]:
    """The cursor at the newest stamp seen, by ReturnGo's own clock; it never goes back, and a run about single returns leaves it."""
    newest = max((stamp for stamp in stamps if stamp is not None), default=None)
    if newest is None or stage_pass.scope.rma_ids:
        return {}
    before = cursors.read(stage_pass.connection, name, shop.label)
    return {} if before is not None and dt.datetime.fromisoformat(before) >= newest else {name: newest.isoformat()}
