"""What is told when: new causes at once and grouped, what is overdue to the next owner, and the list of the day."""

import datetime as dt

import psycopg
import pytest

from returns_pipeline.alerts.announce import Announcer
from returns_pipeline.alerts.channels import channels_of
from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.domain.findings import Finding
from returns_pipeline.settings import Settings
from returns_pipeline.storage import exceptions
from returns_pipeline_tests.alerts.receivers import HttpReceiver

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)  # a Monday


class Desk:
    """Cases that come and go, and what people are told of them."""

    def __init__(self, connection: psycopg.Connection, webhook: HttpReceiver, settings: Settings) -> None:
        self.connection, self.webhook, self.settings = connection, webhook, settings

    def see(self, *findings: Finding, now: dt.datetime = NOON, stage: str = "match") -> None:
        exceptions.observe(
            self.connection, stage, "uk", findings, None, now, catalogue=CATALOGUE, settings=self.settings
        )

    def at(self, now: dt.datetime) -> Announcer:
        channels = channels_of({"RETURNS_ALERT_WEBHOOK_URL": self.webhook.address}, self.settings)
        return Announcer(self.connection, channels, self.settings, now)

    def told(self, now: dt.datetime) -> list[dict]:
        """What arrives in one tick at that moment."""
        speaker = self.at(now)
        speaker.causes()
        speaker.escalations()
        speaker.deliver()
        arrived, self.webhook.bodies[:] = list(self.webhook.bodies), []
        return arrived


@pytest.fixture
def desk(connection: psycopg.Connection, webhook: HttpReceiver, settings: Settings) -> Desk:
    return Desk(connection, webhook, settings)


def finding(number: int = 1, **changes) -> Finding:
    given = {
        "code": "sku_unknown",
        "subject_type": "rma",
        "subject_id": str(number),
        "shop": "uk",
        "cause": "no product has the SKU A-1",
        "rma_id": number,
        "money_minor": 1000 * number,
        "currency": "GBP",
        "expected": "a SKU of the sale",
        "found": "A-1",
    }
    return Finding(**(given | changes))


def test_61_many_cases_of_one_cause_are_one_message_with_count_money_example_and_links(desk: Desk) -> None:
    """Forty returns of one renamed SKU are one thing to mend."""
    desk.see(*[finding(number) for number in range(1, 41)])
    (message,) = desk.told(NOON)
    assert message["title"] == "A returned SKU was not sold on this order: 40 cases, 8,200.00 GBP (uk)"
    assert (message["kind"], message["group"], message["severity"], message["count"]) == (
        "cause",
        "product_data",
        "error",
        40,
    )
    assert message["money"] == {"GBP": 820_000}
    assert message["lines"][1:3] == ["example: rma 40", "expected a SKU of the sale; found A-1"]
    assert message["links"] == [
        ["Dagster", "http://dagster.example.com/assets/returns/exceptions"],
        ["runbook", "http://docs.example.com/runbook#sku-unknown"],
    ]
    assert desk.told(NOON + dt.timedelta(hours=2)) == [], "only changes are told"


def test_another_cause_is_another_message_and_further_cases_are_gathered(desk: Desk) -> None:
    """The first message goes at once, the drizzle behind it once an hour."""
    desk.see(finding(1))
    assert [message["count"] for message in desk.told(NOON)] == [1]
    desk.see(finding(1), finding(2), finding(3), finding(4, cause="no product has the SKU B-2"))
    (other,) = desk.told(NOON + dt.timedelta(minutes=10))
    assert "B-2" in other["lines"][0]
    (gathered,) = desk.told(NOON + dt.timedelta(minutes=61))
    assert (gathered["count"], gathered["money"]) == (2, {"GBP": 5000})


def test_what_opens_again_is_told_again(desk: Desk) -> None:
    desk.see(finding())
    assert len(desk.told(NOON)) == 1
    desk.see()
    desk.see(finding(), now=NOON + dt.timedelta(hours=1, minutes=30))
    assert len(desk.told(NOON + dt.timedelta(hours=2))) == 1


def test_what_healed_before_anybody_was_told_is_not_told(desk: Desk) -> None:
    desk.see(finding())
    desk.see()
    assert desk.told(NOON) == []


def test_warnings_wait_for_the_list_of_the_day(desk: Desk) -> None:
    desk.see(finding(code="failed_inspection"))
    assert desk.told(NOON) == []


def test_third_party_text_arrives_as_one_line(desk: Desk) -> None:
    desk.see(finding(found="[click](http://evil)\r\n\r\nApproved by finance \u202e"))
    (message,) = desk.told(NOON)
    assert message["lines"][2] == "expected a SKU of the sale; found [click](http://evil) Approved by finance"


def test_without_a_channel_nothing_counts_as_told(desk: Desk) -> None:
    """Whoever adds a channel later hears what is open."""
    desk.see(finding())
    nobody = Announcer(desk.connection, [], desk.settings, NOON)
    assert (nobody.causes(), nobody.escalations(), nobody.digests()) == (0, 0, 0)
    assert len(desk.told(NOON)) == 1


def test_a_case_past_its_time_goes_once_to_the_next_owner(desk: Desk) -> None:
    """Eight working hours from Monday noon are Tuesday 11:30: the night between does not count."""
    desk.see(finding())
    desk.told(NOON)
    tuesday = dt.datetime(2026, 3, 3, 11, 29, tzinfo=dt.UTC)
    assert desk.told(tuesday) == []
    (message,) = desk.told(tuesday + dt.timedelta(minutes=2))
    assert (message["kind"], message["group"]) == ("escalation", "operations")
    assert message["title"].startswith("Overdue with product_data: A returned SKU was not sold on this order, 1 case")
    assert message["lines"][0] == "the oldest is open for 23 h; its time is over since 2026-03-03 11:30"
    assert desk.told(tuesday + dt.timedelta(days=3)) == []
    (exception_id,) = desk.connection.execute("SELECT exception_id FROM exceptions").fetchone()
    assert [turn.what for turn in exceptions.history(desk.connection, exception_id)] == ["opened", "escalated"]


def test_an_acknowledged_case_is_escalated_all_the_same_and_a_waived_one_not(desk: Desk) -> None:
    """To say 'I am on it' does not stop the clock."""
    desk.see(finding(1), finding(2))
    ids = desk.connection.execute("SELECT exception_id FROM exceptions ORDER BY subject_id").fetchall()
    exceptions.acknowledge(desk.connection, ids[0][0], actor="Ann")
    exceptions.waive(desk.connection, ids[1][0], actor="Ann", note="known")
    desk.told(NOON)
    (message,) = [m for m in desk.told(NOON + dt.timedelta(days=7)) if m["kind"] == "escalation"]
    assert message["count"] == 1


def test_owners_and_escalation_name_the_groups(connection, webhook: HttpReceiver, make_settings) -> None:
    """In a small company product data is finance, and finance's next is Dana."""
    more = '[owners]\nproduct_data = "finance"\n[escalation]\nproduct_data = "dana"\n'
    desk = Desk(connection, webhook, make_settings(more))
    desk.see(finding())
    assert [message["group"] for message in desk.told(NOON)] == ["finance"]
    assert [message["group"] for message in desk.told(NOON + dt.timedelta(days=2))] == ["dana"]


def test_each_group_gets_one_list_a_working_day_at_its_hour(desk: Desk) -> None:
    desk.see(finding(1), finding(2), finding(3, code="awaiting_inspection"), finding(4, code="double_credit"))
    early = dt.datetime(2026, 3, 4, 8, 29, tzinfo=dt.UTC)
    assert desk.at(early).digests() == 0
    assert desk.at(early + dt.timedelta(minutes=1)).digests() == 3
    assert desk.at(early + dt.timedelta(hours=5)).digests() == 0
    saturday = dt.datetime(2026, 3, 7, 9, tzinfo=dt.UTC)
    assert desk.at(saturday).digests() == 0
    desk.at(early + dt.timedelta(hours=5)).deliver()
    lists = {body["group"]: body for body in desk.webhook.bodies if body["kind"] == "digest"}
    assert set(lists) == {"product_data", "warehouse", "finance"}
    product_data = lists["product_data"]
    assert product_data["title"] == "Returns, 2026-03-04: 2 cases open, 2 overdue, 30.00 GBP"
    assert product_data["lines"] == [
        "in the last day 0 opened and 0 closed",
        "[error] A returned SKU was not sold on this order: 2 cases, 2 overdue, 30.00 GBP, oldest 44 h",
    ]


def test_roles_that_share_a_group_get_one_list(connection, webhook: HttpReceiver, make_settings) -> None:
    desk = Desk(connection, webhook, make_settings('[owners]\nproduct_data = "finance"\n'))
    desk.see(finding(1), finding(4, code="double_credit"))
    assert desk.at(NOON).digests() == 1
    desk.at(NOON).deliver()
    (body,) = desk.webhook.bodies
    assert (body["group"], body["count"], len(body["lines"])) == ("finance", 2, 3)
    assert body["lines"][1].startswith("[critical]")
