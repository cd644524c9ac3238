"""Which units of a return are on which parcel when the portal moves them: what a credit took stays taken. No money here.

ReturnGo names the parcel of a unit late or changes it, and the return line is named after the parcel; a credit raised before keeps counting.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

Key = tuple[int, int, int]


def parcel_of(shipment_id: int | None) -> int:
    """The parcel's number; 0 where nothing is shipped or not yet."""
    return int(shipment_id or 0)


def spread_over_lines(lines: Iterable[Mapping[str, Any]], units: Mapping[Key, int]) -> dict[str, int]:
    """Units known by (return, order row, parcel) given to return lines: first those of the same parcel, then any of the same order row.

    Args:
        lines: return lines with rma_id, order_row_id, shipment_id, quantity, return_line_id.
        units: how many units are on credits, posted or similar.

    Returns:
        return_line_id -> units, never more than the line has.
    """
    left: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for (rma_id, order_row_id, parcel), count in units.items():
        left[(rma_id, order_row_id)][parcel] = count
    ordered = sorted(
        (line for line in lines if line["order_row_id"] is not None),
        key=lambda line: (line["rma_id"], line["order_row_id"], parcel_of(line["shipment_id"])),
    )
    given: dict[str, int] = {}
    for line in ordered:
        own = left[(line["rma_id"], line["order_row_id"])]
        parcel = parcel_of(line["shipment_id"])
        given[line["return_line_id"]] = min(line["quantity"], own.get(parcel, 0))
        own[parcel] = own.get(parcel, 0) - given[line["return_line_id"]]
    for line in ordered:
        own = left[(line["rma_id"], line["order_row_id"])]
        for parcel in sorted(own):
            more = min(line["quantity"] - given[line["return_line_id"]], own[parcel])
            given[line["return_line_id"]] += more
            own[parcel] -= more
    return given


class ParcelsToday:
    """Where units that a credit took for one parcel are shown now: on that parcel, else on the first one that has the order row.

    Args:
        lines: return lines with rma_id, order_row_id, shipment_id.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self._parcels: dict[tuple[int, int], set[int]] = defaultdict(set)
        for line in lines:
            if line["order_row_id"] is not None:
                self._parcels[(line["rma_id"], line["order_row_id"])].add(parcel_of(line["shipment_id"]))

    def of(self, rma_id: int, order_row_id: int, parcel: int) -> int:
        """The parcel to show them on."""
        known = self._parcels.get((rma_id, order_row_id), set())
        return parcel if parcel in known or not known else min(known)
