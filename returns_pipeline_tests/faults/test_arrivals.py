"""Faults of what comes in: pages twice or in any order, receipts too early, corrected or unknown, and hands that were quicker than we."""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from returns_pipeline.sandbox.actors_office import Staff
from returns_pipeline.sandbox.actors_returns import Carrier, Customer, CustomerService
from returns_pipeline.sandbox.actors_warehouse import Warehouse
from returns_pipeline.sandbox.brightpearl.summary import summary
from returns_pipeline.sandbox.serve import RunningSandbox, serve
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages import decide, ingest_credits, ingest_returns, ingest_sales, match, reconcile, write
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Scope, open_pass
from returns_pipeline.storage import database
from returns_pipeline_tests.conftest import url_of
from returns_pipeline_tests.schemas.test_validation import PROPOSAL, reasons

# One worker: with two, each would make the retailer.
pytestmark = pytest.mark.xdist_group("arrivals")
STAGES = (
    ingest_returns.read_returns, ingest_returns.read_transactions, ingest_sales.read_sales_orders, ingest_sales.read_products,
    ingest_credits.read_sales_credits, ingest_credits.read_goods_in, match.match_return_lines, match.match_receipts,
    decide.propose_credits, decide.propose_transfers, write.raise_expected_returns, write.post_credits, write.confirm_receipts,
    reconcile.match_three_ways,
)  # fmt: skip
BY_HAND = 50


@dataclass
class Story:
    """One retailer and what was seen of the pipeline between the steps of all cases."""

    sandbox: RunningSandbox
    connection: psycopg.Connection
    settings_path: str
    seen: dict[str, Any] = field(default_factory=dict)

    def settings(self, mode: str) -> Settings:
        return load_settings({"RETURNS_SETTINGS": self.settings_path, "RETURNS_MODE": mode})

    def run(self, mode: str = "live") -> None:
        """One pass, as the graph makes it."""
        settings = self.settings(mode)
        accounts = Accounts(settings, self.sandbox.environment())
        with open_pass(settings, accounts, uuid.uuid4().hex, Scope()) as opened:
            for stage in STAGES:
                stage(opened)
        accounts.close()
        self.sandbox.retailer.clock.advance(dt.timedelta(hours=1))

    def sell(self, shape: str = "single") -> str:
        name = self.sandbox.retailer.sell("uk", shape).name
        self.sandbox.retailer.clock.advance(dt.timedelta(minutes=1))
        return name

    def approved(self, order_name: str) -> int:
        rma_id = Customer(self.sandbox.retailer).request_return(order_name)["rma_id"]
        CustomerService(self.sandbox.retailer).approve(rma_id)
        return int(rma_id)

    def writes(self) -> int:
        logs = [*self.sandbox.brightpearl.log.entries(), *self.sandbox.returngo.log.entries()]
        return sum(entry.method != "GET" for entry in logs)

    def credits(self, order_name: str) -> list[dict[str, Any]]:
        order_id = self.sandbox.retailer.sale_of(self.sandbox.retailer.order(order_name)).order_id
        return [each for each in summary(self.sandbox.retailer.brightpearl)["credits"] if each["order_id"] == order_id]

    def told(self, rma_id: int | None = None) -> set[str]:
        """Codes of what is open, of one return or of all."""
        found = self.connection.execute(
            "SELECT code FROM exceptions_open WHERE %(rma)s::bigint IS NULL OR rma_id = %(rma)s", {"rma": rma_id}
        )
        return {row[0] for row in found}


@pytest.fixture(scope="module")
def story(postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """All cases together: a week in shadow, then live; every pass reads everything again, in pages of any order that overlap."""
    home = tmp_path_factory.mktemp("home")
    name = f"arrivals_{uuid.uuid4().hex}"
    with (
        serve(seed=11, start=dt.datetime.now(dt.UTC) - dt.timedelta(days=3)) as sandbox,
        psycopg.connect(postgres_url, autocommit=True) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        patch.setenv("RETURNS_DATABASE_URL", url_of(postgres_url, name))
        patch.setenv("RETURNS_HOME", str(home))
        (home / "settings.toml").write_text(sandbox.settings_toml())
        switches = sandbox.retailer.brightpearl.switches
        switches.shuffle_pages, switches.overlap_pages = True, 3
        with database.connect() as connection:
            played = Story(sandbox, connection, str(home / "settings.toml"))
            play(played)
            yield played
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def play(story: Story) -> None:
    staff, warehouse, carrier = (actor(story.sandbox.retailer) for actor in (Staff, Warehouse, Carrier))
    by_hand = [story.sell() for _ in range(BY_HAND)]
    for order in by_hand:
        story.approved(order)
    story.run("shadow")
    story.seen["shadow plans"] = story.connection.execute("SELECT count(*) FROM shadow_plans").fetchone()[0]
    story.seen["writes in shadow"] = story.writes()
    for order in by_hand:
        staff.clone_credit(order, close=True)
    story.run("live")
    story.seen["writes after going live"] = story.writes()
    story.seen["credits by hand"] = [len(story.credits(order)) for order in by_hand]
    # From here on, cases of their own.
    usual, unknown, early = story.sell(), story.sell("drop_ship"), story.sell()
    usual_id, unknown_id = story.approved(usual), story.approved(unknown)
    made = staff.clone_credit(early)
    sku = story.sandbox.retailer.order(early).lines[0].sku
    warehouse.receive_unannounced(sku, credit_id=made["credit_id"])
    story.run()
    story.seen["unknown sku"] = (story.told(unknown_id), story.credits(unknown))
    story.seen["early"] = story.told()
    early_id = story.approved(early)
    carrier.ship(usual_id)
    (note_id,) = warehouse.receive(usual_id)["note_ids"]
    story.run()
    story.seen["received"] = (story.told(usual_id), [each["invoice_reference"] != "" for each in story.credits(usual)])
    story.seen["early, with its return"] = (
        story.told() & {"receipt_without_return"},
        story.told(early_id),
        story.credits(early),
    )
    warehouse.correct_goods_in(note_id, story.sandbox.retailer.order(usual).lines[0].sku, 1)
    story.run()
    story.seen["corrected"] = (story.told(usual_id), [each["invoice_reference"] != "" for each in story.credits(usual)])
    before, rows = story.writes(), counts(story)
    story.connection.execute("DELETE FROM cursors")
    story.run()
    story.seen["read twice"] = (story.writes() - before, counts(story) == rows)


def counts(story: Story) -> dict[str, int]:
    tables = (
        "returngo_rmas",
        "returngo_return_items",
        "brightpearl_sales_orders",
        "brightpearl_sales_credits",
        "brightpearl_goods_in",
        "effect",
    )
    return {table: story.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608 - the names above


def test_f52_what_people_did_by_hand_while_in_shadow_is_not_done_again_when_live(story):
    """Fifty shadow plans, all posted by hand in the meantime: going live plans afresh from what stands there."""
    assert story.seen["shadow plans"] >= BY_HAND
    assert (story.seen["writes in shadow"], story.seen["writes after going live"]) == (0, 0)
    assert story.seen["credits by hand"] == [1] * BY_HAND


def test_f41_a_sku_that_nobody_knows_is_an_exception_and_no_guess(story):
    """A credit of the nearest SKU would be a credit of the wrong thing."""
    told, credits = story.seen["unknown sku"]
    assert (told, credits) == ({"sku_unknown"}, [])


def test_f37_a_receipt_before_its_return_waits_and_resolves_itself(story):
    """The parcel was quicker than the customer's request."""
    assert "receipt_without_return" in story.seen["early"]
    assert story.seen["early, with its return"][0] == set()
    (credit,) = story.seen["early, with its return"][2]
    assert credit["invoice_reference"]


def test_f39_a_receipt_corrected_down_after_the_posting_is_told_and_reversed_by_nobody(story):
    """Whether the customer is charged again is for a person to say."""
    assert story.seen["received"] == (set(), [True])
    told, posted = story.seen["corrected"]
    assert ("credited_more_than_received" in told, posted) == (True, [True])


def test_f35_f36_pages_twice_overlapping_and_in_any_order_leave_one_row_each(story):
    """Every pass of the story read shuffled pages that overlap; reading all of it once more writes nothing and adds no row."""
    assert story.seen["read twice"] == (0, True)


@pytest.mark.parametrize(("off_by", "reasons_given"), [(0, []), (1, []), (5, ["tax is in proportion"])])
def test_f42_a_tax_that_is_off_by_more_than_rounding_is_held_back(off_by, reasons_given):
    """Only a person may let it pass; as a held proposal it is kept, and told as `tax_out_of_proportion`."""
    wrong = PROPOSAL | {"tax_minor": PROPOSAL["tax_minor"] + off_by}
    assert reasons("returns/credit_proposals", wrong) == reasons_given
    held = {"verdict": "held", "hold_code": "tax_out_of_proportion"}
    assert reasons("returns/credit_proposals", wrong | held) == []
