"""When a stage's last judgement stands, and what makes it judge again."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import psycopg
import pytest

from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages import unmoved
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Pass, Scope
from returns_pipeline.stages.report import GateVerdict, StageReport, Verdict
from returns_pipeline.storage import decisions

# A Tuesday in London's summer time: eleven o'clock there.
TEN = dt.datetime(2026, 6, 2, 10, tzinfo=dt.UTC)
SETTINGS = load_settings({})


def told() -> StageReport:
    """A report with something in every part."""
    return StageReport(
        counts=Counter(rows=3, lines_held=1),
        money=Counter({("paid", "GBP"): 1999, ("paid", "EUR"): -5}),
        gates=[GateVerdict("uk", "returns_return_lines", True), GateVerdict("uk", "other", False, "closed")],
        verdicts=[Verdict("no_posting_is_stuck", 2, 1, (("post:1", "halted", "Look."),), {"open": 2})],
        offenders=[("sku_unknown", "rma 1")],
        notes=["uk: as usual"],
        files={"page": "page.html"},
        facts={"audit_head": "17"},
        tables={"days": [{"key": "A", "used": 4}]},
    )


class Desk:
    """Judges at given moments, and counts how often it had to."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection, self.judged = connection, 0

    def look(
        self,
        at: dt.datetime = TEN,
        settings: Settings = SETTINGS,
        scope: Scope = Scope(),  # noqa: B008 - frozen
        **how: object,
    ) -> tuple[bool, StageReport]:
        """Whether it judged at that moment, and what was told."""
        a_pass, before = Pass(settings, self.connection, Accounts(settings, {}), "run", at, scope), self.judged
        report = unmoved.judged(a_pass, "match:lines", settings.shops, self._judge, **how)
        return self.judged > before, report

    def _judge(self) -> StageReport:
        self.judged += 1
        return told()


@pytest.fixture
def desk(connection: psycopg.Connection) -> Desk:
    """One that has judged at ten."""
    desk = Desk(connection)
    assert desk.look() == (True, told())
    return desk


def with_settings(**tables: dict) -> Settings:
    return SETTINGS.model_copy(
        update={name: getattr(SETTINGS, name).model_copy(update=keys) for name, keys in tables.items()}
    )


def test_where_nothing_has_moved_the_last_report_is_told_as_it_was(desk):
    """With a note since when it stands; counts, money, gates and offenders are what they were."""
    has_judged, report = desk.look(TEN + dt.timedelta(minutes=10))
    assert not has_judged
    assert report.notes.pop() == "uk: nothing has moved since 11:00, so that it stands as judged then"
    assert report == told()


def test_a_persons_decision_is_judged_in_the_next_pass(desk):
    """It must not wait for the half hour."""
    decisions.record(
        desk.connection, action="map_sku", shop="uk", subject_type="rma", subject_id="1", reason="seen", decided_by="Ann"
    )  # fmt: skip
    assert desk.look(TEN + dt.timedelta(minutes=10))[0]
    assert not desk.look(TEN + dt.timedelta(minutes=20))[0]


def test_what_only_time_changes_is_judged_again_after_the_settings_minutes(desk):
    """Lateness and patience move with the clock alone."""
    assert not desk.look(TEN + dt.timedelta(minutes=29))[0]
    assert desk.look(TEN + dt.timedelta(minutes=30))[0]


def test_with_no_minutes_every_pass_judges(connection):
    """For those who would rather pay for it."""
    desk, always = Desk(connection), with_settings(judging={"again_after_minutes": 0})
    assert [desk.look(TEN, always)[0], desk.look(TEN, always)[0]] == [True, True]


@pytest.mark.parametrize(
    ("judged_at", "turn"),
    [
        pytest.param(dt.datetime(2026, 6, 2, 22, 45, tzinfo=dt.UTC), dt.datetime(2026, 6, 2, 23, tzinfo=dt.UTC), id="midnight in London"),
        pytest.param(dt.datetime(2026, 6, 2, 13, 45, tzinfo=dt.UTC), dt.datetime(2026, 6, 2, 14, tzinfo=dt.UTC), id="three o'clock, when units leave"),
    ],
)  # fmt: skip
def test_a_days_turn_and_the_hour_of_transfers_are_kept_to_the_minute(connection, judged_at, turn):
    """A tax date is a day of the shop's, and passed units leave when the settings say."""
    desk = Desk(connection)
    assert desk.look(judged_at)[0]
    assert not desk.look(turn - dt.timedelta(seconds=1))[0]
    assert desk.look(turn)[0]


@pytest.mark.parametrize(
    "other",
    [
        with_settings(sla={"refund_deadline_days": 30}),
        SETTINGS.model_copy(update={"mode": "live"}),
        SETTINGS.model_copy(update={"shops": (SETTINGS.shops[0].model_copy(update={"currency": "EUR"}),)}),
    ],
    ids=["service level", "mode", "shop"],
)
def test_another_setting_is_another_judgement(desk, other):
    """Whichever it is: rules read them all over the place."""
    assert desk.look(TEN, other)[0]


def test_another_rule_is_another_judgement(desk, monkeypatch):
    """Code that was deployed, ours or a check of the data team's."""
    monkeypatch.setattr(unmoved, "_code", lambda: "changed")
    assert desk.look()[0]


def test_a_sweep_and_a_run_about_single_returns_always_judge(desk):
    """They were asked for; and what they say of some stands for nobody else."""
    for scope in (Scope(is_sweep=True), Scope(rma_ids=(7,))):
        assert desk.look(scope=scope)[0]
    assert not desk.look()[0]


def test_a_stage_with_work_due_judges_and_one_may_keep_nothing(desk):
    """A writer with something to send; a check that is violated."""
    assert desk.look(may_stand=False)[0]
    decisions.record(
        desk.connection, action="map_sku", shop="uk", subject_type="rma", subject_id="1", reason="seen", decided_by="Ann"
    )  # fmt: skip
    assert desk.look(is_kept=lambda _: False)[0]
    assert desk.look()[0]


def test_a_report_is_the_same_after_it_was_kept():
    """Also an empty one."""
    for report in (told(), StageReport(), replace(told(), money=Counter())):
        assert StageReport.from_json(report.as_json()) == report
