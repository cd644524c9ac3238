"""Reads the sales credits on open sales, ours and others', and what was received against them. Sales are in `ingest_sales`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from returns_pipeline.clients.brightpearl import GOODS_IN, GOODS_OUT, INTERNAL
from returns_pipeline.clients.brightpearl_answers import stamps_of
from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.clients.records_brightpearl import SalesCredit
from returns_pipeline.clients.records_warehouse import GoodsInLine, ShelfMove
from returns_pipeline.domain.credit_rows import match_credit_rows
from returns_pipeline.domain.findings import Finding
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages.gatekeeping import Batch, collector, commit
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.reading import Frames, each_shop
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import account_facts, cursors, known_credits, stock
from returns_pipeline.storage.frames import of_records

_CREDITS_SINCE, MOVEMENTS_SINCE = "brightpearl_credits_changed_since", "brightpearl_goods_movements_since"
# The account's clock at the last look, which may be long after the newest change that it showed.
_CREDITS_LOOKED_AT = "brightpearl_credits_looked_at"
# Searches lag behind writes and no bound is documented; rows are keyed and absorb the overlap.
OVERLAP = dt.timedelta(minutes=10)
_BEFORE_THE_FIRST_LOOK = dt.timedelta(days=1)


def read_sales_credits(stage_pass: Pass) -> StageReport:
    """Reads credits that are new, changed, or ours and not read back yet; all open ones in a sweep.

    Raises:
        ReadFailed: Brightpearl could not be read at all; nothing was stored.
    """
    return each_shop(stage_pass, _read_shop_credits, ("brightpearl_sales_credits",))


def read_goods_in(stage_pass: Pass) -> StageReport:
    """Reads goods-in notes on known credits since the last movement seen; by credit in a sweep and for credits seen for the first time.

    Raises:
        ReadFailed: Brightpearl could not be read at all; nothing was stored.
    """
    return each_shop(stage_pass, _read_shop_goods_in, ("brightpearl_goods_in",))


def _read_shop_credits(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    client = stage_pass.accounts.brightpearl
    rejected: list[Finding] = []
    client.reject = collector(rejected, shop.label, "credit")
    open_frames = Frames(stage_pass, shop)
    orders = open_frames["brightpearl/sales_orders"]
    known = open_frames["brightpearl/sales_credits"]
    wanted = known_credits.to_read_back(stage_pass.connection, shop.label)
    changed, newest = _changed(stage_pass, shop, set(orders["order_id"]), set(known["credit_id"]))
    unsearched = known_credits.never_searched(stage_pass.connection, orders["order_id"].tolist())
    of_orders = client.credits_of_orders(orders["order_id"].tolist() if stage_pass.scope.is_sweep else unsearched)
    wanted |= changed | {credit_id for ids in of_orders.values() for credit_id in ids}
    if stage_pass.scope.is_sweep or stage_pass.scope.rma_ids:
        wanted |= set(known["credit_id"])
    credits = client.sales_credits(wanted)
    unreadable = {
        int(finding.subject_id.rsplit(" ", 1)[-1])
        for finding in rejected
        if finding.subject_id.rsplit(" ", 1)[-1].isdigit()
    }
    gone = wanted - {credit.credit_id for credit in credits} - unreadable
    report = _store_credits(stage_pass, shop, open_frames, credits, rejected, newest)
    known_credits.mark_gone(stage_pass.connection, gone)
    known_credits.mark_searched(stage_pass.connection, list(of_orders))
    _remember_instance(stage_pass)
    return report


def _changed(
    stage_pass: Pass, shop: ShopSettings, order_ids: set[int], credit_ids: set[int]
) -> tuple[set[int], dt.datetime | None]:
    """Credits of our sales that the account's search shows as new or changed, and the newest stamp it showed."""
    since = _since(stage_pass, shop, _CREDITS_SINCE)
    if stage_pass.scope.rma_ids or since is None:
        return set(), None
    changed, stamps = stage_pass.accounts.brightpearl.changed_credits(since - OVERLAP)
    ours = {credit_id for credit_id, order_id in changed.items() if order_id in order_ids or credit_id in credit_ids}
    return ours - _known_as_changed(stage_pass, shop, stamps), _looked_until(
        stage_pass, max(stamps.values(), default=None), since
    )


def _known_as_changed(stage_pass: Pass, shop: ShopSettings, stamps: Mapping[int, dt.datetime]) -> set[int]:
    """Credits that the overlap shows again and that were read after their change: in a quiet hour each look would read them once more.

    A stamp as young as the last look may stand for a second change of the same moment.
    """
    looked_at = cursors.read(stage_pass.connection, _CREDITS_LOOKED_AT, shop.label)
    if looked_at is None:
        return set()
    settled = {credit: stamp for credit, stamp in stamps.items() if stamp < dt.datetime.fromisoformat(looked_at)}
    return known_credits.as_they_stand(stage_pass.connection, settled)


def _since(stage_pass: Pass, shop: ShopSettings, name: str) -> dt.datetime | None:
    """From when on changes are asked for, by Brightpearl's own stamps: the cursor, else a day before the newest sale known, else nothing yet.

    A sale may carry a stamp that is still to come (an import, a date typed by hand): the account's own clock is the limit.
    """
    cursor = cursors.read(stage_pass.connection, name, shop.label)
    if cursor:
        return dt.datetime.fromisoformat(cursor)
    newest_sale = known_credits.newest_sale(stage_pass.connection, shop.label)
    return min(newest_sale, _clock(stage_pass)) - _BEFORE_THE_FIRST_LOOK if newest_sale else None


def _looked_until(stage_pass: Pass, newest: dt.datetime | None, since: dt.datetime) -> dt.datetime:
    """Where the next look begins: the newest stamp seen, never ahead of the account's clock and never back."""
    return max(min(newest or since, _clock(stage_pass)), since)


def _clock(stage_pass: Pass) -> dt.datetime:
    return stage_pass.accounts.brightpearl.server_time or stage_pass.now


def _store_credits(
    stage_pass: Pass,
    shop: ShopSettings,
    open_frames: Frames,
    credits: Sequence[SalesCredit],
    rejected: Sequence[Finding],
    looked_until: dt.datetime | None,
) -> StageReport:
    frame = of_records("brightpearl_sales_credits", credits, shop=shop.label, is_gone=False, read_at=stage_pass.now)
    rows = [row for credit in credits for row in credit.rows]
    row_frame = of_records("brightpearl_sales_credit_rows", rows, order_row_id=None)
    if rows:
        row_frame["order_row_id"] = match_credit_rows(
            row_frame, frame, open_frames["brightpearl_sales_order_rows"], open_frames.standing()
        )
    report = commit(
        stage_pass,
        shop.label,
        "ingest:sales_credits",
        [
            Batch("brightpearl_sales_credits", frame, "credit", "credit_id", rejected=rejected),
            Batch(
                "brightpearl_sales_credit_rows",
                row_frame,
                "credit",
                "credit_id",
                parents=("credit_id", frame["credit_id"].tolist()),
            ),
        ],
        moved_cursors={_CREDITS_SINCE: looked_until.isoformat(), _CREDITS_LOOKED_AT: _clock(stage_pass).isoformat()}
        if looked_until
        else {},
    )
    report.gates = [gate for gate in report.gates if gate.table == "brightpearl_sales_credits"]
    report.add_money("on_credits", frame, "total_minor")
    return report


def _remember_instance(stage_pass: Pass) -> None:
    instance_id = stage_pass.accounts.brightpearl.installed_integration_instance_id
    if instance_id is not None:
        account_facts.write(stage_pass.connection, "installed_integration_instance_id", instance_id)


def _read_shop_goods_in(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    client = stage_pass.accounts.brightpearl
    rejected: list[Finding] = []
    client.reject = collector(rejected, shop.label, "goods-in note")
    open_frames = Frames(stage_pass, shop)
    credits = open_frames["brightpearl/sales_credits"]
    credit_ids = set(credits["credit_id"])
    since = _since(stage_pass, shop, MOVEMENTS_SINCE)
    by_credit = (
        credit_ids if stage_pass.scope.is_sweep or stage_pass.scope.rma_ids else _new_with_goods(stage_pass, credits)
    )
    lines = client.goods_in_notes(order_ids=by_credit) if by_credit else []
    moves: list[ShelfMove] = []
    cursor: dict[str, str] = {}
    if not stage_pass.scope.rma_ids and since is not None:
        movements = list(client.goods_movements(since - OVERLAP, (GOODS_IN, INTERNAL, GOODS_OUT)))
        stock.record_moves(stage_pass.connection, _left_returns(stage_pass, movements))
        found = _moved_notes(stage_pass, shop, movements, since, credit_ids)
        unannounced = _unannounced(stage_pass, shop, set(found.values()) - credit_ids)
        if unannounced:
            _store_credits(stage_pass, shop, open_frames, unannounced, rejected, None)
        mine = credit_ids | {credit.credit_id for credit in unannounced}
        lines += client.goods_in_notes(note_ids={note for note, credit_id in found.items() if credit_id in mine})
        moves = _shelf_moves(shop, movements, rejected)
        newest = max((stamp for row in movements for stamp in stamps_of(row, "updatedOn")), default=None)
        cursor = {MOVEMENTS_SINCE: _looked_until(stage_pass, newest, since).isoformat()}
    return _store_goods_in(stage_pass, shop, lines, moves, rejected, cursor)


def _new_with_goods(stage_pass: Pass, credits: pd.DataFrame) -> set[int]:
    """Credits read for the first time in this pass: goods may have come on them before we knew of them."""
    return set(credits.loc[credits["read_at"] >= stage_pass.now, "credit_id"]) - known_credits.with_goods_in(
        stage_pass.connection, credits["credit_id"].tolist()
    )


def _moved_notes(
    stage_pass: Pass,
    shop: ShopSettings,
    movements: Sequence[Mapping[str, Any]],
    since: dt.datetime,
    credit_ids: set[int],
) -> dict[int, int]:
    """Goods-in notes to read, with their credits: new ones, and known ones of ours that were changed since the last look."""
    received = [row for row in movements if row["goodsNoteTypeCode"] == GOODS_IN]
    notes = {
        int(row["goodsNoteId"]): int(row["orderId"])
        for row in received
        if row.get("goodsNoteId") and row.get("orderId")
    }
    touched = {
        int(row["goodsNoteId"])
        for row in received
        if row.get("goodsNoteId") and any(stamp > since for stamp in stamps_of(row, "updatedOn"))
    }
    known = known_credits.known_notes(stage_pass.connection, set(notes))
    of_others = known_credits.of_other_shops(stage_pass.connection, shop.label, set(notes.values()))
    return {
        note: credit_id
        for note, credit_id in notes.items()
        if credit_id not in of_others and (note not in known or (note in touched and credit_id in credit_ids))
    }


def _unannounced(stage_pass: Pass, shop: ShopSettings, credit_ids: set[int]) -> list[SalesCredit]:
    """Credits on which goods came and that no open return knows: this shop's by their channel; the first shop takes those of no shop."""
    if not credit_ids:
        return []
    channels = {each.channel_id for each in stage_pass.settings.shops}
    takes_the_rest = shop.label == stage_pass.settings.shops[0].label
    return [
        credit
        for credit in stage_pass.accounts.brightpearl.sales_credits(credit_ids)
        if credit.channel_id == shop.channel_id or (takes_the_rest and credit.channel_id not in channels)
    ]


def _shelf_moves(
    shop: ShopSettings, movements: Sequence[Mapping[str, Any]], rejected: list[Finding]
) -> list[ShelfMove]:
    """Moves between locations of the shop's Returns warehouses."""
    reject = collector(rejected, shop.label, "goods movement")
    warehouses = set(shop.returns_warehouses.values())
    found = []
    for row in movements:
        if row["goodsNoteTypeCode"] == INTERNAL and row.get("warehouseId") in warehouses:
            try:
                found.append(ShelfMove.from_row(row))
            except RecordRejected as rejection:
                reject(rejection)
    return found


def _left_returns(stage_pass: Pass, movements: Sequence[Mapping[str, Any]]) -> list[stock.Move]:
    """Of the movements, units that left a Returns warehouse for another: a goods-out note takes them off, so that its quantity is negative."""
    watched = {warehouse for shop in stage_pass.settings.shops for warehouse in shop.returns_warehouses.values()}
    return [
        stock.Move(
            int(row["goodsMovementId"]),
            int(row["goodsNoteId"]),
            int(row["productId"]),
            int(row["warehouseId"]),
            -int(row["quantity"]),
            stamps_of(row, "updatedOn")[0],
        )
        for row in movements
        if row.get("goodsNoteTypeCode") == GOODS_OUT and row.get("warehouseId") in watched and int(row["quantity"]) < 0
    ]


def _store_goods_in(
    stage_pass: Pass,
    shop: ShopSettings,
    lines: Sequence[GoodsInLine],
    moves: Sequence[ShelfMove],
    rejected: Sequence[Finding],
    cursor: dict[str, str],
) -> StageReport:
    unique = {(line.goods_note_id, line.credit_row_id, line.product_id, line.location_id): line for line in lines}
    frame = of_records("brightpearl_goods_in", list(unique.values()), shop=shop.label, read_at=stage_pass.now)
    report = commit(
        stage_pass,
        shop.label,
        "ingest:goods_in",
        [
            Batch(
                "brightpearl_goods_in",
                frame,
                "credit",
                "credit_id",
                rejected=rejected,
                keys=("goods_note_id", "credit_row_id", "product_id", "location_id"),
            ),
            Batch(
                "brightpearl_shelf_moves",
                of_records("brightpearl_shelf_moves", moves),
                "goods movement",
                "goods_movement_id",
            ),
        ],
        moved_cursors=cursor,
    )
    report.gates = [gate for gate in report.gates if gate.table == "brightpearl_goods_in"]
    report.counts["units_received"] = int(frame["quantity"].sum()) if len(frame) else 0
    return report
