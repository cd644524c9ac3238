"""What the data team and finance see and press in the Dagster UI, in a real browser."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from returns_pipeline.storage import database
from returns_pipeline_tests.ui.conftest import Served, wait_until

# All of it plays with one webserver.
pytestmark = pytest.mark.xdist_group("ui")


def test_the_graph_shows_the_five_stages(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/asset-groups")
    for group in ("ingest", "match", "decide", "write", "reconcile"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()


def test_a_failed_check_names_the_return_its_owner_and_what_was_expected(served: Served, page: Page) -> None:
    """The data team finds the wrong SKU without a line of code."""
    page.goto(f"{served.url}/assets/returns/return_lines?view=checks")
    page.get_by_text("every_judged_sku_was_sold").first.click()
    expect(page.get_by_text("Failed").first).to_be_visible()
    expect(page.get_by_text("Owner: product_data").first).to_be_visible()
    expect(page.get_by_text(f"rma {served.unsold.rma_id}").first).to_be_visible()
    expect(page.get_by_text("DROP-7741").first).to_be_visible()


def test_an_asset_says_in_plain_words_what_it_holds(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/assets/brightpearl/expected_returns")
    expect(page.get_by_text("Latest materialization").first).to_be_visible()
    expect(page.get_by_text("credit.raise").first).to_be_visible()


def test_a_sensor_says_what_it_watches(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/locations/returns_pipeline/sensors/receipts_without_credit_sensor")
    expect(page.get_by_text("Goods that came back and whose credit or money has not followed").first).to_be_visible()


def test_what_a_stranger_typed_is_shown_and_does_nothing(served: Served, page: Page, tmp_path: Path) -> None:
    """Order name, SKU, reason and comment hold a formula, markup, a script, a statement and a forged line."""
    asked, alarms = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: alarms.append(dialog.message))
    for place in (
        "assets/returns/return_lines?view=checks",
        "assets/returns/exceptions",
        "assets/returngo/return_items",
        "assets/finance/three_way_match",
    ):
        page.goto(f"{served.url}/{place}")
        if place.endswith("checks"):
            page.get_by_text("every_judged_sku_was_sold").first.click()
            expect(page.get_by_text("=1+1", exact=False).first).to_be_visible()
        else:
            expect(page.get_by_text("Latest materialization").first).to_be_visible()
        assert page.locator("img[src*='evil.invalid'], a[href^='javascript:']").count() == 0
        assert page.evaluate("window.hacked") is None
    assert [url for url in asked if "evil.invalid" in url] == []
    assert alarms == []
    exported = tmp_path / "skus.csv"
    served.retailer.command("skus", "export", str(exported))
    with exported.open(encoding="utf-8-sig", newline="") as opened:
        cells = [cell for row in csv.reader(opened) for cell in row]
    assert [cell for cell in cells if "1+1" in cell]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) > 0 FROM effect").fetchone() == (True,)


def test_an_exception_is_resolved_from_the_launchpad(served: Served, page: Page) -> None:
    """A product-data person waives a drop-shipped bench, without a shell."""
    ((_, _, exception_id, _),) = served.retailer.open_exceptions(served.unsold)
    page.goto(f"{served.url}/locations/returns_pipeline/jobs/resolve_exception/playground")
    editor = page.locator(".cm-content, .CodeMirror").first
    editor.click()
    page.keyboard.press("Control+A")
    decision = f"exception_id: {exception_id}, action: waive, reason: sent by the maker, decided_by: Pat"
    page.keyboard.insert_text(f"ops: {{resolve_one: {{config: {{{decision}}}}}}}")
    page.get_by_role("button", name="Launch Run").click()
    wait_until(
        lambda: served.retailer.exceptions(served.unsold) == set(), "the exception to be waived by the launched run"
    )
