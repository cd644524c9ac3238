"""Where other people's words about a return lie, and how each place forgets them. For which returns and when is `evidence`'s and `erasure`'s."""

from dataclasses import dataclass

ERASED = "[erased]"
_NOTE = "{request,body,orderNote,text}"
_SUBJECT = "(x.payload->'subject'->>'rma_id')::bigint"


@dataclass(frozen=True)
class Place:
    """One place of a remark, in the words of an UPDATE of `table x`.

    Attributes:
        name: what is counted, for people.
        forget: the assignment.
        holds: whether there is anything to forget.
        rma_id: whose it is.
    """

    name: str
    table: str
    forget: str
    holds: str
    rma_id: str = "x.rma_id"


_REDACTED = f"payload = jsonb_set(x.payload, '{_NOTE}', '\"{ERASED}\"')"
_IS_NOTE = f"x.kind = 'credit.annotate' AND x.payload #>> '{_NOTE}' <> '{ERASED}'"
PLACES = (
    Place(
        "reasons of units",
        "returngo_return_items",
        "return_reason = NULL, non_restockable_reason = NULL, non_returned_reason = NULL",
        "coalesce(x.return_reason, x.non_restockable_reason, x.non_returned_reason) IS NOT NULL",
    ),
    Place("reasons of lines", "returns_return_lines", "return_reasons = NULL", "x.return_reasons IS NOT NULL"),
    Place("inspections", "inspections", "reason = NULL", "x.reason IS NOT NULL"),
    Place(
        "proposals",
        "returns_credit_proposals",
        "details = x.details - 'reasons' - 'note'",
        "x.details ?| '{reasons,note}'",
    ),
    # The ledger lets nothing else of a settled effect change, and the hash of what was sent stays.
    Place("notes in the ledger", "effect", _REDACTED, f"{_IS_NOTE} AND x.state IN ('confirmed', 'voided')", _SUBJECT),
    Place("planned notes", "shadow_plans", _REDACTED, _IS_NOTE, _SUBJECT),
)
