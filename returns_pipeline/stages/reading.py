"""How a stage reads frames of one shop, and what happens when a shop's account cannot be read: its gates close, others go on.

A shop that is not asked, because the day's calls are for something else, is no such case: its facts and gates stand as they were.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import pandas as pd

from returns_pipeline import schemas
from returns_pipeline.clients.outcomes import CredentialRefused, ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.domain.bundles import open_bundles, opened_bundles
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages.gatekeeping import judge_gate
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.report import GateVerdict, StageReport, total_of
from returns_pipeline.storage import frames, gates, open_returns, scopes

ORDER_ROWS = "brightpearl_sales_order_rows"


class Frames:
    """The open frames of one shop in one pass, read when asked for."""

    def __init__(self, stage_pass: Pass, shop: ShopSettings) -> None:
        self._pass, self.shop = stage_pass, shop
        self._rma_ids = stage_pass.scope.rma_ids or None
        self._known: dict[str, pd.DataFrame] = {}

    def __getitem__(self, table: str) -> pd.DataFrame:
        if table not in self._known:
            self._known[table] = self.fresh(table)
        return self._known[table]

    def decisions(self) -> pd.DataFrame:
        """What people decided for this shop's open returns and sales, or for a SKU, and did not take back."""
        return self["operator_decisions"]

    def fresh(self, table: str) -> pd.DataFrame:
        """Reads the table now, whatever was read before; rows of sales with the bundles opened that people accepted in part."""
        if table == ORDER_ROWS:
            return open_bundles(self.as_stored(table), opened_bundles(self.decisions()))
        return self.as_stored(table)

    @cached_property
    def is_idle(self) -> bool:
        """Whether nothing of the shop was open at the first look, so that there is nothing to read or to judge."""
        return self._rma_ids is None and open_returns.is_idle(self._pass.connection, self.shop.label)

    def as_stored(self, table: str) -> pd.DataFrame:
        """Reads the table now, as the other system gave it; of a shop where nothing was open at the first look there is nothing to read."""
        if self.is_idle and scopes.hangs_on_open(schemas.named(table).table):
            return frames.empty(table)
        return frames.read(
            self._pass.connection,
            table,
            scope="open",
            shop=self.shop.label,
            rma_ids=self._rma_ids,
            order_name_format=self.shop.order_name_format,
        )

    def effects(self) -> pd.DataFrame:
        """The ledger's effects that matter for what is open, of every shop."""
        return self._pass.ledger.effects()

    def ledger_lines(self) -> pd.DataFrame:
        """Their lines."""
        return self._pass.ledger.lines()

    def standing(self) -> pd.DataFrame:
        """What our credits hold now."""
        return self._pass.ledger.standing()


def each_shop(
    stage_pass: Pass, read: Callable[[Pass, ShopSettings], StageReport], tables: Sequence[str]
) -> StageReport:
    """Runs a stage's read for every shop; one that fails closes its own gates, one whose calls of the day are spent stands as it was, others go on.

    Raises:
        ReadFailed: every shop failed.
    """
    reports, failures = [], []
    for shop in stage_pass.shops:
        try:
            reports.append(read(stage_pass, shop))
        except BudgetSpent as spent:
            reports.append(as_it_was(stage_pass, shop.label, tables, str(spent)))
        except ReadFailed as failure:
            failures.append(failure)
            reports.append(refuse(stage_pass, shop.label, tables, str(failure), _cause_of(failure, tables)))
    if failures and len(failures) == len(stage_pass.shops):
        raise failures[0]
    return total_of(reports)


def _cause_of(failure: Exception, tables: Sequence[str]) -> str | None:
    """One cause for every gate that a refused key or token closes, so that people are told once and not table by table."""
    system = tables[0].partition("_")[0]
    return f"{system} refuses our credentials" if isinstance(failure, CredentialRefused) else None


def refuse(stage_pass: Pass, shop: str, tables: Sequence[str], reason: str, cause: str | None = None) -> StageReport:
    """Closes the gates of these tables for one shop; rows and cursors stay as they were."""
    report = StageReport()
    for table in tables:
        report.gates.append(judge_gate(stage_pass, shop, table, reason, cause))
    report.notes.append(f"{shop}: {reason}")
    return report


def as_it_was(stage_pass: Pass, shop: str, tables: Sequence[str], why: str) -> StageReport:
    """A shop that was not asked: rows, cursors and gates stand as they were; a table that was never read has no open gate."""
    standing = {gate.table: gate for gate in gates.newest(stage_pass.connection, shop)}
    report = StageReport()
    for table in tables:
        gate = standing.get(table)
        report.gates.append(
            GateVerdict(shop, table, gate.passed, gate.reason) if gate else GateVerdict(shop, table, False, why)
        )
    report.counts["shops_not_asked"] += 1
    report.notes.append(f"{shop}: {why}")
    return report
