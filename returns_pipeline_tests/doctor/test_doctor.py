"""The doctor looks at a retailer's real accounts over HTTP: what is right is OK, what is wrong has its mend, and nothing is written."""

import dataclasses
import datetime as dt
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from returns_pipeline.commands import doctor
from returns_pipeline.doctor import books, history, portal, searching
from returns_pipeline.doctor.unknowns import UNKNOWNS
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.conftest import OpenShop, changed, open_shop  # noqa: F401 - a fixture
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

NOTHING_KNOWN = {
    'dedupe = "proven"': 'dedupe = "unproven"',
    'part_receipt = "allowed"': 'part_receipt = "refused"',
    'shopify_app_credits = "off"': 'shopify_app_credits = "unknown"',
    "record_refunds = true\n": "",
    "goods_received = 22\ncredited = 23\ncancelled = 24": "goods_received = 0\ncredited = 0\ncancelled = 0",
}
STATUSES = {"awaiting_return": 21, "goods_received": 22, "credited": 23, "cancelled": 24}
# What is so in this retailer's world, and no settings mend.
KNOWN_OF_THIS_RETAILER = {
    "nobody else writes sales credits for returns",
    "shop uk: nominal codes of the settings are in use",
    "shop eu: returns were read",
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


def requests(retailer: Retailer) -> dict[str, list[str]]:
    """The method of every request that each system got, in order."""
    return {
        api: [each["method"] for each in entries]
        for api, entries in retailer.sandbox.get("/requests").items()
        if api != "admin"
    }


def test_what_is_right_is_ok_and_both_systems_saw_nothing_but_reads(retailer: Retailer, tmp_path: Path) -> None:
    """Names and ids of the settings are there; the doctor and its proposal ask, and never write."""
    before = requests(retailer)
    found = points()
    assert doctor.propose_settings(tmp_path / "proposed.toml").status == 0
    for api, methods in requests(retailer).items():
        asked = methods[len(before[api]) :]
        assert len(asked) > 10
        assert set(asked) <= {"GET", "OPTIONS"}, api
    held = [what for what, (is_ok, *_) in found.items() if is_ok]
    assert {
        "settings are complete for live mode",
        "ReturnGo answers for shop uk",
        "order statuses exist and are of type SC",
        "the app may read all that the pipeline reads",
        "shop uk: the key may read all that the pipeline reads",
        "every warehouse named has a default location",
        "every warehouse that needs one has a quarantine location",
        "tax codes of the fees exist",
        "channels of the shops exist",
        "payment methods exist",
        "an installed integration instance id is known",
        "nobody else writes sales credits for returns",
        "shop uk: sales are found by the references named",
        "shop uk: sales carry what orders are looked for by",
        "the account's days are those of a shop",
        "searches show what was written",
        "shop uk: ReturnGo's filters are in UTC",
        "shop uk: every resolution is known",
        "shop uk: ReturnGo books in the shop's currency",
    } <= set(held)


def test_a_clock_that_is_off_is_told(retailer: Retailer) -> None:  # noqa: ARG001 - the shop is open
    """The retailer's days pass quicker than this machine's: leases and horizons would be reckoned wrongly."""
    is_ok, mend, _ = points()["the clocks agree"]
    assert not is_ok
    assert "seconds off Brightpearl's clock" in mend


def test_a_shop_that_lets_received_release_the_refund_is_warned_where_carriers_set_it(retailer: Retailer) -> None:
    """Else money leaves when the van stops at the door; the mend is a rule of ReturnGo's."""
    what = "shop uk: ReturnGo's Received means that the bench has the goods"
    is_ok, _, seen = points()[what]
    assert is_ok
    assert re.search(r"automation set [1-9]\d* of [1-9]\d* parcels looked at", seen), seen
    settings = load_settings()
    trusting = settings.model_copy(
        update={"returngo": settings.returngo.model_copy(update={"confirm_status": "Received"})}
    )
    accounts = Accounts(trusting)
    with database.connect() as connection:
        told = {point.what: point for point in portal.points(connection, trusting, accounts, dt.datetime.now(dt.UTC))}
    accounts.close()
    assert (told[what].is_ok, "In ReturnGo's return policy" in told[what].mend) == (False, True)
    assert retailer.state()


def test_how_searches_behave_is_seen_by_asking(retailer: Retailer) -> None:
    """Whichever way the account answers, what it does is told; a credit that no search shows is not called absent."""
    found = points()
    assert "passed over in silence" in found["a filter that searches do not know is seen through"][2]
    assert "goods-in-search lists the notes of credit" in found["goods-in notes of credits are found"][2]
    assert re.match(r"([1-9]\d*) of \1 credits of ours", found["searches show what was written"][2])
    retailer.sandbox.post("/switches", {"brightpearl": {"ignores_unknown_filters": False}})
    settings, now = load_settings(), dt.datetime.now(dt.UTC)
    hasty = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"unknown_horizon_seconds": 0})})
    accounts = Accounts(settings)
    with database.connect() as connection:
        # As a search that lags behind would show it: what was raised is not among what changed.
        seen = dataclasses.replace(history.read(accounts, now), shown=frozenset())
        patient, impatient = (
            {point.what: point for point in searching.points(connection, accounts.brightpearl, each, seen, now)}
            for each in (settings, hasty)
        )
    accounts.close()
    retailer.sandbox.post("/switches", {"brightpearl": {"ignores_unknown_filters": True}})
    assert "refused with 500" in patient["a filter that searches do not know is seen through"].seen
    assert "is not," in patient["searches show what was written"].seen
    assert "write [ledger] unknown_horizon_seconds above" in impatient["searches show what was written"].mend


def test_what_a_key_or_an_app_may_not_read_is_named(retailer: Retailer) -> None:
    """A scope that was forgotten is met on the first day, not with the first parcel."""
    for api, path in (("brightpearl", "/stock-transfer/"), ("returngo", "/transactions")):
        fault = {"kind": "status_before_commit", "api": api, "path": path, "status": 403, "count": None}
        retailer.sandbox.post("/faults", fault)
    found = points()
    retailer.sandbox.clear_faults()
    assert found["the app may read all that the pipeline reads"][1].startswith("stock transfers refused: give")
    assert found["shop uk: the key may read all that the pipeline reads"][1].startswith("transactions refused: give")


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
        connection.execute("UPDATE api_calls SET least_remaining = NULL WHERE api = 'brightpearl'")
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
    refunded = retailer.approved(retailer.order())
    retailer.refund(refunded)
    retailer.act("shopify_app", "credit_refund", rma_id=refunded.rma_id)
    retailer.act("returngo_link", "raise_credit", rma_id=retailer.approved(retailer.order()).rma_id)
    _, _, seen = points()["nobody else writes sales credits for returns"]
    assert "1 posted without goods-in, as Brightpearl's Shopify app does, 1 with an RMA's number" in seen


def test_what_stays_unknown_is_listed_with_what_is_safe(retailer: Retailer) -> None:  # noqa: ARG001 - the shop is open
    """The first retailer must know what nobody could try."""
    answer = doctor.examine()
    lines = [line for line in answer.lines if line.startswith("OPEN ")]
    assert len(lines) == len(answer.data["open"]) > 20
    assert all("Safe: " in line for line in lines)
    whats = {point["what"].removeprefix("shop uk: ") for point in answer.data["points"]}
    assert {unknown.point for unknown in UNKNOWNS if unknown.point} <= whats, (
        "a question names a point that is not there"
    )


def test_the_proposed_settings_can_be_used_and_are_never_written_over_a_file(
    retailer: Retailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From settings of which nothing fits, what the account shows is proposed; with what only people know, the doctor is content."""
    standing = Path(os.environ["RETURNS_SETTINGS"]).read_text(encoding="utf-8")
    wrong = changed(standing, WRONG | NOTHING_KNOWN)
    (tmp_path / "wrong.toml").write_text(wrong, encoding="utf-8")
    monkeypatch.setenv("RETURNS_SETTINGS", str(tmp_path / "wrong.toml"))
    file = tmp_path / "proposed.toml"
    for path in ("/rmas", "/transactions"):
        retailer.sandbox.post(
            "/faults", {"kind": "status_before_commit", "api": "returngo", "path": path, "status": 403}
        )
    assert doctor.propose_settings(tmp_path / "without_returngo.toml").status == 0, (
        "the first shop's name may be wrong yet"
    )
    retailer.sandbox.clear_faults()
    assert doctor.propose_settings(file).status == 0
    assert file.stat().st_mode & 0o077 == 0
    given = tomllib.loads(file.read_text(encoding="utf-8"))
    assert given["brightpearl"]["statuses"] == STATUSES
    assert (given["brightpearl"]["part_receipt"], given["brightpearl"]["negative_rows"]) == ("allowed", "allowed")
    uk, eu = given["shops"]
    assert (uk["channel_id"], uk["returns_warehouses"], uk["order_name_format"]) == (3, {"default": 3}, "{order_name}")
    assert eu["api_key_env"] == "RETURNGO_EU_API_KEY", "another key would read another shop"
    again = doctor.propose_settings(file)
    assert (again.status, "never written over" in again.lines[0]) == (1, True)
    # What only people know, written by them.
    decided = (
        file.read_text(encoding="utf-8").replace("# choose one of the account: ", "").replace("VOUCHER", "GIFTCARD")
    )
    decided = decided.replace('shopify_app_credits = "unknown"', 'shopify_app_credits = "off"')
    decided = decided.replace("# record_refunds = true", "record_refunds = true").replace('"unproven"', '"proven"')
    file.write_text(f"{decided}\n{standing[standing.index('[quota]') :]}", encoding="utf-8")
    monkeypatch.setenv("RETURNS_SETTINGS", str(file))
    amiss = {what for what, (is_ok, *_) in points().items() if not is_ok}
    assert {what for what in amiss if "clock" not in what} == KNOWN_OF_THIS_RETAILER
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
