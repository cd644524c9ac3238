"""Shadow mode's proof: reads plans and what people credited, has them compared, and writes the report. The comparing is `domain.shadow`'s."""

import datetime as dt
from collections.abc import Sequence

import psycopg

from returns_pipeline.domain import shadow
from returns_pipeline.domain.records import records
from returns_pipeline.domain.shadow import Comparison
from returns_pipeline.reports.shadow import shadow_report
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.stages import writing
from returns_pipeline.storage import frames, ledger


def compared(connection: psycopg.Connection, settings: Settings, shop: ShopSettings) -> list[Comparison]:
    """Every return of the shop that was planned in shadow mode or that people credited, most money apart first."""
    plans = connection.execute(
        """SELECT payload FROM shadow_plans WHERE shop = %(shop)s AND kind = 'credit.raise'
           UNION ALL SELECT p.payload FROM shadow_past p WHERE p.shop = %(shop)s AND p.kind = 'credit.raise'
             AND NOT EXISTS (SELECT FROM shadow_plans s WHERE (s.shop, s.kind, s.business_key) = (p.shop, p.kind, p.business_key))""",
        {"shop": shop.label},
    ).fetchall()
    lines = frames.read(connection, "returns/return_lines", scope="all", shop=shop.label)
    credits = frames.read(connection, "brightpearl/sales_credits", scope="all", shop=shop.label)
    effects = ledger.read_effects(connection, scope="all", shop=shop.label)
    raised = effects.loc[(effects["kind"] == "credit.raise") & effects["remote_id"].notna(), "remote_id"]
    by_people = credits[
        ~credits["credit_id"].isin(raised.astype("int64"))
        & ~credits["invoice_reference"].isin(["", "pending"])
        & ~credits["is_cancelled"]
    ]
    rows = frames.read(connection, "brightpearl_sales_credit_rows", scope="all", shop=shop.label)
    return shadow.compare(
        [payload for (payload,) in plans], lines, by_people, rows, _held(connection, shop), settings.tolerances.amount_minor_per_rma
    )  # fmt: skip


def write_comparison(settings: Settings, shop: ShopSettings, found: Sequence[Comparison]) -> dict[str, str]:
    """The files of one shop's comparison, by what they are.

    Raises:
        OSError: the folder of `[reports]` cannot be written to.
    """
    now = dt.datetime.now(dt.UTC).astimezone(shop.zone)
    report = shadow_report(shop.label, shop.currency, shop.time_zone, found, f"Made {now:%Y-%m-%d %H:%M}.")
    return writing.write(settings, report, f"shadow-{shop.label}", shop.label)


def _held(connection: psycopg.Connection, shop: ShopSettings) -> dict[int, str]:
    """Return -> why nothing is planned for it."""
    found: dict[int, str] = {}
    for table in ("returns/credit_proposals", "returns/return_lines"):
        judged = frames.read(connection, table, scope="all", shop=shop.label)
        for row in records(judged[judged["hold_code"].notna()][["rma_id", "hold_code"]]):
            found[row["rma_id"]] = str(row["hold_code"]).replace("_", " ")
    return found
