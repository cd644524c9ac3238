"""What people decided, as the decide stage asks for it. Recording a decision is storage's; how matching honours it is matching's."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain.records import records


class Rulings:
    """Decisions in force, by action and return, or by action and credit.

    Args:
        decisions: rows of `operator_decisions`, oldest first; a later one about the same subject counts.
        locked_until: the last day that finance has locked.
    """

    def __init__(self, decisions: pd.DataFrame, locked_until: dt.date | None = None) -> None:
        self.locked_until = locked_until
        self._of_rma: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._of_credit: dict[tuple[str, int], Mapping[str, Any]] = {}
        for row in records(decisions):
            if row["subject_type"] == "credit":
                self._of_credit[(row["action"], int(row["subject_id"]))] = row["value"]
            elif row["rma_id"] is not None or row["subject_type"] == "rma":
                rma_id = row["subject_id"] if row["rma_id"] is None else row["rma_id"]
                self._of_rma[(row["action"], int(rma_id))] = row["value"]

    def on_return(self, action: str, rma_id: int) -> Mapping[str, Any] | None:
        """The value of a decision about a return, or None where nobody decided."""
        return self._of_rma.get((action, rma_id))

    def on_credit(self, action: str, credit_id: int, rma_id: int | None = None) -> Mapping[str, Any] | None:
        """The value of a decision about a credit, or about its return."""
        found = self._of_credit.get((action, credit_id))
        return found if found is not None or rma_id is None else self.on_return(action, rma_id)

    def claim_reference(self, rma_id: int) -> str | None:
        """The carrier's claim reference that a person gave for a parcel lost in transit."""
        value = self.on_return("lost_in_transit", rma_id)
        reference = str((value or {}).get("claim_reference") or "").strip()
        return reference or None
