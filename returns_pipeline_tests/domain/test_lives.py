"""What happens to a returned unit, read from ReturnGo's words."""

import pandas as pd
import pytest

from returns_pipeline.domain import lives


@pytest.mark.parametrize(
    ("resolution", "method", "life"),
    [
        ("RefundToPaymentMethod", "Shipment", lives.ORDINARY),
        ("RefundToBankAccount", "Shipment", lives.ORDINARY),
        ("RefundToStoreCredit", "Shipment", lives.STORE_CREDIT),
        ("RefundToGiftCard", "Shipment", lives.GIFT_CARD),
        ("Exchange", "Shipment", lives.EXCHANGE),
        ("InstantExchange", "Shipment", lives.EXCHANGE),
        ("RefundToPaymentMethod", "No shipment required", lives.KEEP_ITEM),
        ("Exchange", "No shipment required", lives.EXCHANGE),
        ("CancelOrder", "No shipment required", lives.CANCEL_ORDER),
        ("SomethingNew", "Shipment", lives.UNKNOWN),
        (None, None, lives.UNKNOWN),
    ],
)
def test_a_resolution_and_a_method_make_a_life(resolution: str | None, method: str | None, life: str) -> None:
    """A wrong life credits what must not be credited, or waits for goods that never come."""
    found = lives.lives_of(pd.Series([resolution], dtype="object"), pd.Series([method], dtype="object"))
    assert found.tolist() == [life]


def test_lives_keep_the_rows_of_their_frame() -> None:
    """A filtered frame keeps odd row labels; a life on the wrong row would be somebody else's."""
    index = pd.Index([7, 3])
    found = lives.lives_of(
        pd.Series(["Exchange", "RefundToGiftCard"], index=index), pd.Series(["", ""], index=index, dtype="object")
    )
    assert found.loc[7] == lives.EXCHANGE
    assert found.loc[3] == lives.GIFT_CARD
