"""What a stage tells about its work: counts, money, gates, offenders, notes. Not how it is shown."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import pandas as pd


@dataclass(frozen=True)
class GateVerdict:
    """Whether one shop's last batch of a table may be built upon; a closed gate carries its reason."""

    shop: str
    table: str
    passed: bool
    reason: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer of a standing check: how many it looked at, how many offend, the first of them as (what, which, next step), and sums by name."""

    name: str
    looked_at: int
    offending: int
    offenders: tuple[tuple[str, str, str], ...] = ()
    sums: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing offends."""
        return self.offending == 0


@dataclass
class StageReport:
    """Counts by name, money in minor units by (name, currency), one gate per shop, standing checks, first offenders as (what, id), notes in plain words, facts and tables by name."""

    counts: Counter[str] = field(default_factory=Counter)
    money: Counter[tuple[str, str]] = field(default_factory=Counter)
    gates: list[GateVerdict] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    offenders: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[dict[str, str | int]]] = field(default_factory=dict)

    def add_money(self, name: str, frame: pd.DataFrame, column: str, currency: str = "currency") -> None:
        """Adds the sum of `column` (minor units) per currency under `name`."""
        for code, total in frame.groupby(currency)[column].sum().items():
            self.money[(name, str(code))] += int(total)

    def merge(self, other: "StageReport") -> None:
        """Takes in the report of one shop or one step."""
        self.counts.update(other.counts)
        self.money.update(other.money)
        self.gates.extend(other.gates)
        self.verdicts.extend(other.verdicts)
        self.offenders.extend(other.offenders)
        self.notes.extend(other.notes)
        self.files.update(other.files)
        self.facts.update(other.facts)
        self.tables.update(other.tables)

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON, for `from_json`."""
        return vars(self) | {
            "money": [[name, code, minor] for (name, code), minor in self.money.items()],
            "gates": [asdict(gate) for gate in self.gates],
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """The report that was kept as JSON."""
        verdicts = [
            Verdict(**{**each, "offenders": tuple(tuple(offender) for offender in each["offenders"])})
            for each in told["verdicts"]
        ]
        return cls(
            **{
                **told,
                "counts": Counter(told["counts"]),
                "money": Counter({(name, code): minor for name, code, minor in told["money"]}),
                "gates": [GateVerdict(**each) for each in told["gates"]],
                "verdicts": verdicts,
                "offenders": [(what, which) for what, which in told["offenders"]],
            }
        )

    @property
    def closed_gates(self) -> list[GateVerdict]:
        """The gates that this stage closed."""
        return [gate for gate in self.gates if not gate.passed]


def total_of(reports: Iterable[StageReport]) -> StageReport:
    """One report for several shops."""
    whole = StageReport()
    for report in reports:
        whole.merge(report)
    return whole
