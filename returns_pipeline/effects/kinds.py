"""The kinds of effect: their order, the account that each goes to, and how its outcome can be known. No judging of answers."""

BRIGHTPEARL = "brightpearl"

# In the order in which one may free the way for the next.
IN_ORDER = (
    "credit.raise",
    "credit.cancel",
    "goods_in.write",
    "credit.amend",
    "credit.post",
    "credit.annotate",
    "refund.record",
    "returngo.receive",
    "transfer.release",
    "transfer.create",
    "transfer.dispatch",
    "transfer.ship",
)

# These make an object of their own: a repeat would make a second one.
MAKING = ("credit.raise", "goods_in.write", "refund.record", "transfer.create", "transfer.dispatch", "transfer.release")

# Our reference is on what these make, and the account enforces that it is unique.
REFERENCED = ("credit.raise", "goods_in.write", "refund.record", "transfer.create")

# No reference at all: never sent again unless a person has looked.
NEVER_REPEATED = ("transfer.dispatch", "transfer.release")


def sink_of(kind: str, shop: str) -> str:
    """The account that an effect goes to, as refusals of it are remembered: `brightpearl`, or `returngo:uk`."""
    return f"returngo:{shop}" if kind.startswith("returngo.") else BRIGHTPEARL
