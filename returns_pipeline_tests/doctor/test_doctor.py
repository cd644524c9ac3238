"""The doctor looks at a retailer's real accounts over HTTP: what is right is OK, what is wrong has its mend, and nothing is written."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from returns_pipeline.commands import doctor
from returns_pipeline.doctor import books
from returns_pipeline.settings import load_settings
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.conftest import OpenShop, open_shop  # noqa: F401 - a fixture
from returns_pipeline_tests.scenarios.lockstep import Arrangement
from returns_pipeline_tests.scenarios.retailer import Retailer

# One worker: with two, each would make the retailer.
pytestmark = pytest.mark.xdist_group("doctor")
WRONG = {
    "channel_id = 3\n": "channel_id = 99\n",
    "awaiting_return = 21": "awaiting_return = 11",
    'restocking = { nominal_code = "4905", tax_code = "same_as_item" }': 'restocking = { nominal_code = "4905", tax_code = "T99" }',
    'RefundToGiftCard = "GIFTCARD"': 'RefundToGiftCard = "VOUCHER"',
}


def points() -> dict[str, tuple[bool, str, str]]:
    """Whether each point holds, its mend and what was seen, by what it is about."""
    return {point["what"]: (point["is_ok"], point["mend"], point["seen"]) for point in doctor.examine().data["points"]}


@pytest.fixture(scope="module")
def retailer(open_shop: OpenShop) -> Iterator[Retailer]:  # noqa: F811
    """A retailer whose account takes part receipts and rows with a minus, with a day of returns behind it."""
    with open_shop(Arrangement("the doctor comes")) as opened:
        paired, fee = opened.order("pair"), opened.order()
        twice = opened.approved(paired)
        kept = opened.approved(fee, return_fee="2.95")
        opened.sync()
        opened.receive(twice, {paired.sku: 1})
        opened.send_back(kept)
        opened.receive(twice, {paired.sku: 1})
        opened.sync()
        yield opened


def test_what_is_right_is_ok_and_nothing_is_written(retailer: Retailer) -> None:
    """Names and ids of the settings are there, and the account's credits are as they were."""
    before = retailer.state()["brightpearl"]["credits"]
    found = points()
    assert retailer.state()["brightpearl"]["credits"] == before
    held = [what for what, (is_ok, *_) in found.items() if is_ok]
    assert {
        "settings are complete for live mode",
        "ReturnGo answers for shop uk",
        "order statuses exist and are of type SC",
        "every warehouse named has a default location",
        "tax codes of the fees exist",
        "channels of the shops exist",
        "payment methods exist",
        "an installed integration instance id is known",
        "nobody else writes sales credits for returns",
        "shop uk: sales are found by the references named",
    } <= set(held)


def test_a_clock_that_is_off_is_told(retailer: Retailer) -> None:  # noqa: ARG001 - the shop is open
    """The retailer's days pass quicker than this machine's: leases and horizons would be reckoned wrongly."""
    is_ok, mend, _ = points()["the clocks agree"]
    assert not is_ok
    assert "seconds off Brightpearl's clock" in mend


def test_what_the_account_was_seen_to_do_is_told(retailer: Retailer) -> None:
    """Both were used on credits of the sample, so that the settings may count on them."""
    found = points()
    is_ok, _, seen = found["part receipts of one credit are as the settings say"]
    assert (is_ok, seen) == (True, "a credit with several receipts")
    assert found["rows with a minus on a credit are as the settings say"][2] == "a row with a minus"


def test_what_was_read_of_the_books_is_told(retailer: Retailer) -> None:  # noqa: ARG001 - the shop is open
    """Currencies and price modes as sales have them, codes that nothing carries, locks, and who else draws on the calls."""
    found = points()
    is_ok, _, seen = found["shop uk: sales are in the shop's currency"]
    assert (is_ok, "in GBP priced" in seen) == (True, True)
    is_ok, mend, _ = found["shop uk: nominal codes of the settings are in use"]
    assert (is_ok, "carries 4905, 4915, 4920:" in mend) == (False, True), "only the return fee was charged here"
    assert found["shop uk: the locked period is known"][2].startswith("nothing is known to be locked")
    with database.connect() as connection:
        connection.execute("UPDATE api_calls SET least_remaining = 12 WHERE api = 'brightpearl'")
        settings = load_settings()
        fees = settings.shops[0].fees
        unknown = fees.model_copy(update={"restocking": fees.restocking.model_copy(update={"nominal_code": "9999"})})
        shop = settings.shops[0].model_copy(update={"fees": unknown, "currency": "SEK"})
        told = {point.what: point for point in books.points(connection, settings.model_copy(update={"shops": (shop,)}))}
    assert "carries 4915, 4920, 9999: look" in told["shop uk: nominal codes of the settings are in use"].mend
    assert told["shop uk: sales are in the shop's currency"].mend == "no sale is in SEK: write the shop's own currency"
    pool = told["Brightpearl's pool of calls has room"]
    assert (pool.is_ok, pool.seen.startswith("at the worst 12 of ")) == (False, True)


def test_credits_by_others_are_named_with_their_number(retailer: Retailer) -> None:
    """Two systems that credit the same refund are seen before the first month end."""
    retailer.act("staff", "clone_credit", order_name=retailer.order().name)
    is_ok, mend, seen = points()["nobody else writes sales credits for returns"]
    assert not is_ok
    assert "1 by" in mend
    assert "credits of 30 days" in seen


def test_what_stays_unknown_is_listed_with_what_is_safe(retailer: Retailer) -> None:  # noqa: ARG001 - the shop is open
    """The first retailer must know what nobody could try."""
    lines = [line for line in doctor.examine().lines if line.startswith("OPEN ")]
    assert len(lines) > 8
    assert all("Safe: " in line for line in lines)


def test_the_proposed_settings_can_be_used_and_are_never_written_over_a_file(
    retailer: Retailer, tmp_path: Path
) -> None:
    """A person checks a file that is nearly right, and keeps the one they have."""
    file = tmp_path / "proposed.toml"
    assert doctor.propose_settings(file).status == 0
    assert file.stat().st_mode & 0o077 == 0
    given = tomllib.loads(file.read_text(encoding="utf-8"))
    assert given["brightpearl"]["statuses"] == {
        "awaiting_return": 21,
        "goods_received": 22,
        "credited": 23,
        "cancelled": 24,
    }
    assert (given["brightpearl"]["part_receipt"], given["brightpearl"]["negative_rows"]) == ("allowed", "allowed")
    assert load_settings({"RETURNS_SETTINGS": str(file)}).shops[0].returns_warehouses == {"default": 3}
    again = doctor.propose_settings(file)
    assert (again.status, "never written over" in again.lines[0]) == (1, True)
    assert retailer.state()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_each_wrong_name_has_its_mend_and_what_was_not_seen_is_not_believed(open_shop: OpenShop) -> None:  # noqa: F811
    """A fresh account: no credit was received twice, none has a row with a minus, and the ids are another retailer's."""
    with open_shop(Arrangement("wrong names", WRONG)):
        found = points()
    for what, word in (
        ("channels of the shops exist", "no channel 99"),
        ("order statuses exist and are of type SC", "awaiting_return = 11"),
        ("tax codes of the fees exist", "no tax code 'T99'"),
        ("payment methods exist", "no method 'VOUCHER'"),
        ("part receipts of one credit are as the settings say", "safe default"),
        ("rows with a minus on a credit are as the settings say", "negative_rows"),
        ("shop uk: returns were read", "returns-pipeline sync"),
    ):
        is_ok, mend, _ = found[what]
        assert (is_ok, word in mend) == (False, True), (what, mend)
