"""The standing inventory of a writer: green while everything moves, and when not, the oldest first with the next step."""

import datetime as dt

import pandas as pd
import pytest

from returns_pipeline.stages.inventory import CHECK_OF_WRITER, inventory

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def effects(*rows: dict) -> pd.DataFrame:
    """A writer's effects; by default one that was planned an hour ago."""
    plain = {"state": "planned", "reason": None, "needs_approval": False, "approved_batch": None, "hours": 1.0}
    filled = [plain | {"effect_id": number, "business_key": f"post:{number}"} | row for number, row in enumerate(rows)]
    frame = pd.DataFrame(filled, columns=[*plain, "effect_id", "business_key"])
    frame["created_at"] = pd.Series(
        [NOW - dt.timedelta(hours=row["hours"]) for row in filled], dtype="datetime64[us, UTC]"
    )
    types = {"reason": "string", "state": "string", "needs_approval": "boolean", "approved_batch": "Int64"}
    return frame.astype(types)


def test_nothing_open_is_an_empty_inventory() -> None:
    """Confirmed and voided writes are done."""
    verdict = inventory("posted_credits", effects({"state": "confirmed"}, {"state": "voided"}), NOW)
    assert (verdict.passed, verdict.looked_at, verdict.offenders) == (True, 0, ())
    assert inventory("posted_credits", effects(), NOW).passed


def test_what_moves_or_waits_for_a_person_is_open_and_not_stuck() -> None:
    """A review that takes two days is the reviewer's, and has an exception of its own."""
    verdict = inventory("posted_credits", effects({}, {"state": "sending"}, {"needs_approval": True, "hours": 48}), NOW)
    assert (verdict.passed, verdict.sums) == (True, {"open": 3, "awaiting_approval": 1})


@pytest.mark.parametrize("state", ["rejected", "halted", "unknown"])
def test_a_write_that_did_not_end_well_is_stuck(state: str) -> None:
    """The check says which, since when, why, and what to do."""
    verdict = inventory("posted_credits", effects({"state": state, "reason": "refused: 400"}), NOW)
    ((what, which, step),) = verdict.offenders
    assert (verdict.name, verdict.offending, what) == ("no_posting_is_stuck", 1, "post:0")
    assert which == f"{state} since 2026-03-02 11:00 UTC: refused: 400"
    assert step


def test_the_oldest_is_first_and_a_plan_that_nobody_sent_for_a_day_is_among_them() -> None:
    """A closed gate keeps it silently: the inventory does not."""
    verdict = inventory("stock_transfers", effects({"state": "halted"}, {"hours": 25.0}, {"hours": 23.0}), NOW)
    assert [what for what, *_ in verdict.offenders] == ["post:1", "post:0"]
    assert "quota" in verdict.offenders[0][2]


def test_an_approved_plan_that_was_never_sent_is_stuck() -> None:
    """The person has done their part."""
    verdict = inventory("posted_credits", effects({"needs_approval": True, "approved_batch": 3, "hours": 30}), NOW)
    assert verdict.offending == 1


def test_every_writer_has_its_check() -> None:
    """Four writers, four names."""
    assert len(set(CHECK_OF_WRITER.values())) == len(CHECK_OF_WRITER) == 4
