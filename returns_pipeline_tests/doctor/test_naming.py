"""How sales carry the shops' orders is read from shapes, and told without anybody's reference."""

import datetime as dt

import pytest

from returns_pipeline.doctor import naming
from returns_pipeline.doctor.naming import Naming
from returns_pipeline.settings import load_settings

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
SETTINGS = load_settings({})
SHOP = SETTINGS.shops[0]


def seen(external: list[str], customer: list[str], orders: list[str], offset_hours: int = 1) -> Naming:
    """What a sample of these references shows."""
    return Naming(
        sales=len(external) or len(customer),
        external=naming.shapes(external),
        customer=naming.shapes(customer),
        offset=dt.timedelta(hours=offset_hours),
        orders={SHOP.label: naming.shapes(orders)},
        now=NOW,
    )


@pytest.mark.parametrize(
    ("customer", "orders", "expected"),
    [
        (["#1001", "#1002"], ["#1003", "#1004"], "{order_name}"),
        (["SHOP-#1001", "SHOP-#1002"], ["#1003", "#1004"], "SHOP-{order_name}"),
        (["UK1001/web", "UK1002/web"], ["UK9", "UK10"], "{order_name}/web"),
        (["Ms Canary", "PO 7"], ["#1003", "#1004"], None),
        ([], ["#1003", "#1004"], None),
    ],
)
def test_how_a_reference_is_made_of_the_orders_name(
    customer: list[str], orders: list[str], expected: str | None
) -> None:
    """Written otherwise than the settings say, no return finds its sale."""
    assert seen([], customer, orders).format_of(SHOP) == expected


@pytest.mark.parametrize(
    ("found", "mend"),
    [
        (seen(["5520001265786", "5520001265787"], ["x", "y"], []), ""),
        (seen([], ["#1001", "#1002"], ["#1003", "#1004"]), ""),
        (seen([], ["SHOP-#1001", "SHOP-#1002"], ["#1003", "#1004"]), 'order_name_format = "SHOP-{order_name}"'),
        (seen(["A-1", "A-2"], ["PO 1", "PO 2"], ["#1003", "#1004"]), "neither reference holds"),
        (seen([], [], []), ""),
    ],
)
def test_what_the_settings_look_for_is_held_against_what_sales_carry(found: Naming, mend: str) -> None:
    """The mend is the line to write, not a riddle."""
    point = next(naming.points(found, SETTINGS))
    assert (point.is_ok, mend in point.mend) == (not mend, True)


def test_what_only_one_sale_carries_is_nobodys_business() -> None:
    """A reference is free text: somebody may have typed the customer's name."""
    point = next(naming.points(seen(["1"], ["Canary Person", "#1001", "#1002"], ["#1003"]), SETTINGS))
    assert "Canary" not in point.seen
    assert "#9 (2)" in point.seen


def test_an_account_that_counts_its_days_elsewhere_is_told() -> None:
    """The last hours of a month would be in another month in Brightpearl's own reports."""
    for hours, is_ok in ((1, True), (-6, False)):
        *_, point = naming.points(seen(["1", "2"], [], [], hours), SETTINGS)
        assert (point.is_ok, f"at {hours:+d} h" in point.seen) == (is_ok, True)
