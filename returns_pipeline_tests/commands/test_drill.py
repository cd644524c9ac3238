"""Each drill as a person goes through it: unresolved it is not yet passed, wrongly resolved it says why, rightly resolved it is passed."""

import json
import re
import stat
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from returns_pipeline import cli
from returns_pipeline.commands.drill_restore import Returned, judge
from returns_pipeline.commands.drill_stories import CLAIM

pytestmark = pytest.mark.xdist_group("drills")
WHO = ("--reason", "drill", "--by", "Pat")
Say = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def drill_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all drills, so that each ends the one before."""
    home = tmp_path_factory.mktemp("drills")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETURNS_HOME", str(home))
        yield home
        cli.main(["drill", "--stop"])


@pytest.fixture
def say(drill_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Types `returns-pipeline ...` and answers the exit status and what was printed."""
    for name in (
        "RETURNGO_BASE_URL", "RETURNGO_API_KEY", "RETURNGO_EU_API_KEY", "BRIGHTPEARL_BASE_URL", "BRIGHTPEARL_APP_REF",
        "BRIGHTPEARL_ACCOUNT_TOKEN", "RETURNS_SETTINGS", "RETURNS_MODE", "RETURNS_DATABASE_URL", "DAGSTER_HOME", "DAGSTER_POSTGRES_URL",
    ):  # fmt: skip
        monkeypatch.setenv(name, "")  # the command sets them; the patch takes them back
    monkeypatch.setenv("RETURNS_HOME", str(drill_home))

    def typed(*words: object) -> tuple[int, str]:
        status = cli.main([str(word) for word in words])
        return status, capsys.readouterr().out

    return typed


def the_exception(say: Say, code: str) -> int:
    _, told = say("exceptions", "list", "--json")
    (number,) = [row["exception_id"] for row in json.loads(told) if row["code"] == code]
    return int(number)


def take_back(say: Say, told: str) -> None:
    """Types what the verdict advises."""
    number = re.search(r"decisions revoke (\d+)", told)
    assert number, told
    assert say("decisions", "revoke", number[1], *WHO)[0] == 0


def test_finance_takes_a_colleagues_credit_for_the_one_of_the_return(say: Say) -> None:
    status, story = say("drill", "finance")
    assert (status, "by hand" in story) == (0, True)
    assert "not yet: nobody has decided" in say("drill", "finance", "--check")[1]
    number = the_exception(say, "foreign_credit")
    say("exceptions", "resolve", number, "--action", "waive", *WHO)
    status, told = say("drill", "finance", "--check")
    assert (status, told.startswith("wrong: the return was settled by waive")) == (1, True)
    take_back(say, told)
    say("exceptions", "resolve", number, "--action", "adopt_credit", *WHO)
    assert say("drill", "finance", "--check") == (
        0, "passed: the colleague's credit is the credit of this return, and there is no second one\n",
    )  # fmt: skip


def test_the_warehouse_keeps_the_broken_unit_off_sale(say: Say) -> None:
    units = re.findall(r"Unit (\d+)", say("drill", "warehouse")[1])
    rma = json.loads(say("exceptions", "list", "--json")[1])[0]["rma_id"]
    assert (
        f"not yet: no inspection is recorded for unit {units[0]}, {units[1]}" in say("drill", "warehouse", "--check")[1]
    )
    for unit in units:
        say("inspections", "record", "--rma", rma, "--item", unit, "--result", "pass", "--by", "Pat")
    assert f"wrong: unit {units[1]} has a broken zip" in say("drill", "warehouse", "--check")[1]
    record = ("inspections", "record", "--rma", rma, "--item", units[1], "--result", "damaged", *WHO)
    assert say(*record)[0] == 0
    assert say("drill", "warehouse", "--check")[0] == 0


def test_customer_service_names_the_claim_for_a_lost_parcel(say: Say) -> None:
    say("drill", "cx")
    assert say("drill", "cx", "--check")[1].startswith("not yet:")
    resolve = (
        "exceptions",
        "resolve",
        the_exception(say, "refund_before_receipt"),
        "--action",
        "lost_in_transit",
        *WHO,
    )
    say(*resolve, "--value", '{"claim_reference": "CLAIM-1"}')
    assert say("drill", "cx", "--check")[1].startswith("wrong: the claim is recorded as CLAIM-1")
    say(*resolve, "--value", json.dumps({"claim_reference": CLAIM}))
    assert say("drill", "cx", "--check")[0] == 0


def test_product_data_maps_the_sku_to_the_row_that_sold_it(say: Say) -> None:
    say("drill", "product-data")
    assert say("drill", "product-data", "--check")[1].startswith("not yet:")
    number = the_exception(say, "sku_unknown")
    say("exceptions", "resolve", number, "--action", "waive", *WHO)
    told = say("drill", "product-data", "--check")[1]
    assert told.startswith("wrong: the return was settled by waive")
    take_back(say, told)
    row = re.search(r"order row (\d+)", say("exceptions", "show", number)[1])
    assert row
    value = json.dumps({"sku": "417-lamp", "order_row_id": int(row[1])})
    say("exceptions", "resolve", number, "--action", "map_sku", "--value", value, *WHO)
    assert say("drill", "product-data", "--check")[0] == 0


def test_the_data_team_sends_a_refused_write_again(say: Say) -> None:
    say("drill", "data")
    assert say("drill", "data", "--check")[1].startswith("not yet:")
    number = the_exception(say, "effect_rejected")
    say("exceptions", "resolve", number, "--action", "waive", *WHO)
    assert say("drill", "data", "--check")[1].startswith("wrong: the exception was waived")
    assert say("exceptions", "resolve", number, "--action", "reopen", *WHO)[0] == 0
    say("exceptions", "resolve", number, "--action", "retry", *WHO)
    assert say("drill", "data", "--check")[0] == 0


def test_a_day_that_was_lost_with_the_database_is_not_written_twice(say: Say, drill_home: Path) -> None:
    """A credit was posted and another raised after the backup: both stand in Brightpearl, and the restored ledger knows neither."""
    status, told = say("drill", "restore", "--json")
    found = json.loads(told)
    assert (status, found["faults"]) == (0, [])
    assert [each["is_posted"] for each in found["lost"]] == [True, False]
    assert (found["is_noticed"], found["proof"]["compared"]) == (True, 2)
    assert stat.S_IMODE((drill_home / "drill" / "night.dump").stat().st_mode) == 0o600
    assert say("drill", "restore", "--check")[0] == 2


def _state(*credits: tuple[int, int, str], payments: tuple[int, ...]) -> dict[str, Any]:
    return {
        "brightpearl": {
            "credits": [
                {"credit_id": number, "order_id": order, "gross": "9.50", "invoice_reference": invoice}
                for number, order, invoice in credits
            ],
            "payments": [{"order_id": number, "amount": "9.50"} for number in payments],
        }
    }


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (_state((71, 1, "SC-1"), (72, 2, "SC-2"), payments=(71, 72)), None),
        (_state((71, 1, "SC-1"), (72, 2, "SC-2"), (73, 2, ""), payments=(71, 72, 73)), "were to stand"),
        (_state((71, 1, "SC-1"), (72, 2, ""), payments=(71, 72)), "were to stand"),
        (_state((71, 1, "SC-1"), (72, 2, "SC-2"), payments=(71, 71, 72)), "with payments"),
        (_state((71, 1, "SC-1"), (72, 2, "SC-2"), payments=(71,)), "with payments"),
    ],
)
def test_the_drill_of_the_backup_fails_for_what_is_there_twice_or_missing(
    state: dict[str, Any], words: str | None
) -> None:
    """A drill that cannot fail proves nothing."""
    returned = [Returned(1, 11, Decimal("9.50")), Returned(2, 12, Decimal("9.50"))]
    faults = judge(state, returned, [(71, True), (72, False)])
    assert len(faults) == (words is not None)
    assert all(words in fault for fault in faults if words)


def test_a_drill_that_was_not_started_says_how(say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    say("drill", "--stop")
    assert cli.main(["drill", "finance", "--check"]) == 1
    assert "returns-pipeline drill finance" in capsys.readouterr().err
