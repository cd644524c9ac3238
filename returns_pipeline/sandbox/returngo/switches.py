"""What is unknown about ReturnGO, or differs between shops, as switches that may be turned while the sandbox runs."""

from dataclasses import dataclass


@dataclass
class ReturnGoSwitches:
    """One field per fact that the contract leaves open or the merchant sets; the defaults follow the recordings."""

    rma_updated_at_moves: bool = False  # recorded: receipt, shipment change and refund leave lastUpdated alone
    refund_on_validated: bool = (
        True  # the merchant's policy rule refunds to the payment method when a parcel is validated
    )
    refund_on_received: bool = False  # ... or already when the carrier says delivered
    refund_outcome: str = "Success"  # what the platform answers: Success, Requested (pending) or Failed
    rma_fee_on_every_item: bool = False  # a fee of the whole RMA is shown on each item, else on the first only
    daily_quota: int = 2000  # calls per key and UTC day of the sandbox's clock
    last_cursor: str = "absent"  # how the last page says so: absent, empty or null
    transaction_clock_slip_hours: int = 3  # recorded: a money refund's lastUpdated is three hours after its createdAt
    number_ids: bool = False  # recorded ids are strings but for transactions; true: all ids are numbers
    json_booleans: bool = (
        False  # recorded 0/1 for isAutoApprove and isOutOfPolicy; true: booleans as in the OpenAPI page
    )
