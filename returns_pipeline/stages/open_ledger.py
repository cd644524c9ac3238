"""The ledger as one pass sees it: read once and kept until the pass itself has written to it. What the frames mean is the ledger's."""

from collections.abc import Sequence

import pandas as pd
import psycopg

from returns_pipeline.domain.standing import standing_lines
from returns_pipeline.storage import ledger


class OpenLedger:
    """The effects that matter for what is open, of every shop, their lines, and what our credits hold by them.

    Reading them costs as much as all other frames of a stage together, and only writers change them.
    """

    def __init__(self, connection: psycopg.Connection, rma_ids: Sequence[int] | None) -> None:
        self._connection, self._rma_ids = connection, rma_ids
        self._known: dict[str, pd.DataFrame] = {}

    def effects(self) -> pd.DataFrame:
        """Effects with their payloads, oldest first."""
        if "effects" not in self._known:
            self._known["effects"] = ledger.read_effects(self._connection, rma_ids=self._rma_ids)
        return self._known["effects"].copy(deep=False)

    def lines(self) -> pd.DataFrame:
        """The lines of the effects."""
        if "lines" not in self._known:
            self._known["lines"] = ledger.read_lines(self._connection, rma_ids=self._rma_ids)
        return self._known["lines"].copy(deep=False)

    def standing(self) -> pd.DataFrame:
        """What our credits hold now."""
        if "standing" not in self._known:
            self._known["standing"] = standing_lines(self.effects(), self.lines())
        return self._known["standing"].copy(deep=False)

    def forget(self) -> None:
        """Reads anew next time: the ledger was written to."""
        self._known.clear()
