"""How much came in against other such days. An empty answer without an error is the failure that nobody sees."""

import datetime as dt

import psycopg

from returns_pipeline.settings import load_settings
from returns_pipeline.storage import frames, measures, volumes
from returns_pipeline_tests.storage.rows import frame

NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


def asked(connection: psycopg.Connection, weeks_ago: int, count: int) -> None:
    for number in range(count):
        connection.execute(
            """INSERT INTO returngo_rmas(rma_id, shop, status, order_name, shopify_order_id, created_at, is_out_of_policy, is_open, detail_read_at)
               VALUES (%s, 'uk', 'Approved', '#1', '1', %s, false, true, now())""",
            [weeks_ago * 100 + number, NOW - dt.timedelta(weeks=weeks_ago, hours=3)],
        )


def test_60_a_day_without_any_return_where_ten_are_usual_is_bad(connection: psycopg.Connection) -> None:
    """Zero rows pass every check of rows."""
    for weeks_ago in (1, 2, 3, 4, 5):
        asked(connection, weeks_ago, 10)
    assert volumes.of_returns(connection, "uk", NOW) == volumes.Volume("uk", 0, 10)
    settings = load_settings({})
    found = measures.measure(connection, settings, NOW)
    bad = found[(found["state"] == "bad") & (found["measure"] == "returns asked for in 24 hours")]
    assert bad["message"].tolist() == ["uk: 0 returns asked for in 24 hours; 10 on other such days"]
    asked(connection, 0, 1)
    assert not volumes.of_returns(connection, "uk", NOW).is_empty


def test_a_day_is_not_judged_before_three_weeks_are_known_or_where_few_are_usual(
    connection: psycopg.Connection,
) -> None:
    """A new shop and a small one would cry every day."""
    asked(connection, 1, 10)
    asked(connection, 2, 10)
    assert volumes.of_returns(connection, "uk", NOW) == volumes.Volume("uk", 0, None)
    asked(connection, 3, 2)
    asked(connection, 4, 2)
    asked(connection, 5, 2)
    assert volumes.of_returns(connection, "uk", NOW) == volumes.Volume("uk", 0, 2)
    assert not volumes.of_returns(connection, "uk", NOW).is_empty


def test_a_day_without_goods_in_where_ten_are_usual_is_a_warning(connection: psycopg.Connection) -> None:
    """The warehouse may be closed; or the search for goods-in answers with nothing, and every refund waits."""

    def came(weeks_ago: int, count: int) -> None:
        moment = NOW - dt.timedelta(weeks=weeks_ago, hours=3)
        rows = [
            {"goods_note_id": weeks_ago * 100 + number, "shop": "uk", "received_on": moment, "read_at": moment}
            for number in range(count)
        ]
        frames.upsert(connection, "brightpearl/goods_in", frame("brightpearl/goods_in", *rows))

    for weeks_ago in (1, 2, 3, 4, 5):
        came(weeks_ago, 10)
    found = measures.measure(connection, load_settings({}), NOW).set_index(["measure", "shop"])
    row = found.loc[("goods-in lines booked in 24 hours", "uk")]
    assert (row["state"], row["message"]) == (
        "warn", "uk: 0 goods-in lines booked in 24 hours; 10 on other such days",
    )  # fmt: skip
    came(0, 1)
    assert volumes.of_goods_in(connection, "uk", NOW) == volumes.Volume("uk", 1, 10)
