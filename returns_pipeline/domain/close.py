"""The figures of one calendar month of one shop, as they stand: what came, what was credited, what did not meet, and tax by code.

Scenarios 54 to 57 and the IFRS 15 refund liability. A month is the shop's: from local midnight to local midnight, daylight saving included.
"""

import datetime as dt

import pandas as pd

from returns_pipeline.settings import ShopSettings

COLUMNS = [
    "shop",
    "month",
    "figure",
    "currency",
    "tax_code",
    "quantity",
    "net_minor",
    "tax_minor",
    "detail",
    "computed_at",
]
_MOST_IN_DETAIL = 500


def month_bounds(month: dt.date, shop: ShopSettings) -> tuple[dt.datetime, dt.datetime]:
    """First moment of the month and of the next one in the shop's zone."""
    first = month.replace(day=1)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    begins, ends = (dt.datetime.combine(day, dt.time(), tzinfo=shop.zone) for day in (first, following))
    return begins, ends


def month_end_figures(
    matches: pd.DataFrame,
    credits: pd.DataFrame,
    credit_rows: pd.DataFrame,
    shop: ShopSettings,
    month: dt.date,
    now: dt.datetime,
) -> pd.DataFrame:
    """The figures with the columns of `finance_month_end_close`.

    Args:
        matches: all of the shop's three-way match.
        credits, credit_rows: all of the shop's sales credits, ours and others'.
        shop: whose month.
        month: any day of it.
        now: when it is computed.
    """
    begins, ends = month_bounds(month, shop)
    received = matches["received_on"].notna() & (matches["received_on"] < ends)
    received_now = received & (matches["received_on"] >= begins)
    credited = matches["credited_on"].notna() & (matches["credited_on"] < ends)
    credited_now = credited & (matches["credited_on"] >= begins)
    expected = {"net": "expected_net_minor", "tax": "expected_tax_minor", "quantity": "received_quantity"}
    booked = {"net": "credited_net_minor", "tax": "credited_tax_minor", "quantity": "credited_quantity"}
    figures = [
        _figure("received_in_month", matches[received_now], expected),
        _figure("received_not_credited", matches[received & ~credited], expected),
        _figure("credited_in_month", matches[credited_now], booked),
        _figure("credited_not_received", matches[credited & ~received & (matches["life"] != "keep_item")], booked),
        _figure(
            "received_earlier_credited_in_month",
            matches[credited_now & received & (matches["received_on"] < begins)],
            booked,
        ),
        _figure(
            "credited_refund_not_recorded",
            matches[credited & (matches["refunded_minor"] > matches["recorded_minor"])],
            booked,
        ),
        _books(credits, credit_rows, begins, ends),
    ]
    frame = pd.concat(figures, ignore_index=True)
    frame["shop"], frame["month"] = shop.label, month.replace(day=1)
    frame["computed_at"] = pd.Series(now, index=frame.index, dtype="datetime64[us, UTC]")
    return frame[COLUMNS]


def _figure(name: str, lines: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """One row per currency and tax code, with the lines beneath it."""
    lines = lines[lines["currency"].notna()].assign(tax_code=lines["tax_code"].fillna(""))
    rows = [
        {
            "figure": name,
            "currency": currency,
            "tax_code": tax_code,
            "quantity": int(group[columns["quantity"]].sum()),
            "net_minor": int(group[columns["net"]].fillna(0).sum()),
            "tax_minor": int(group[columns["tax"]].fillna(0).sum()),
            "detail": group["return_line_id"].tolist()[:_MOST_IN_DETAIL],
        }
        for (currency, tax_code), group in lines.groupby(["currency", "tax_code"])
    ]
    return pd.DataFrame(
        rows, columns=["figure", "currency", "tax_code", "quantity", "net_minor", "tax_minor", "detail"]
    )


def _books(credits: pd.DataFrame, credit_rows: pd.DataFrame, begins: dt.datetime, ends: dt.datetime) -> pd.DataFrame:
    """Every sales credit that Brightpearl invoiced in the month, ours and others', by tax code."""
    posted = credits[
        ~credits["invoice_reference"].isin(["", "pending"])
        & credits["invoice_tax_date"].notna()
        & ~credits["is_cancelled"]
    ]
    posted = posted[(posted["invoice_tax_date"] >= begins) & (posted["invoice_tax_date"] < ends)]
    rows = credit_rows.merge(posted[["credit_id", "currency"]], on="credit_id").assign(
        tax_code=lambda frame: frame["tax_code"].fillna("")
    )
    figures = [
        {
            "figure": "invoiced_in_brightpearl",
            "currency": currency,
            "tax_code": tax_code,
            "quantity": int(group["quantity"].sum()),
            "net_minor": int(group["net_minor"].sum()),
            "tax_minor": int(group["tax_minor"].sum()),
            "detail": sorted({int(credit_id) for credit_id in group["credit_id"]})[:_MOST_IN_DETAIL],
        }
        for (currency, tax_code), group in rows[~rows["is_bundle_child"]].groupby(["currency", "tax_code"])
    ]
    return pd.DataFrame(
        figures, columns=["figure", "currency", "tax_code", "quantity", "net_minor", "tax_minor", "detail"]
    )
