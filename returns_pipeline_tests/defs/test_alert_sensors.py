"""The sensors that tell people, evaluated as the daemon does, with a real receiver."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import psycopg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from returns_pipeline import cli
from returns_pipeline.definitions import defs
from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.domain.findings import Finding
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.parts import PARTS
from returns_pipeline.storage import check_results, exceptions, heartbeats
from returns_pipeline_tests.alerts.receivers import HttpReceiver
from returns_pipeline_tests.defs.conftest import Tick


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[HttpReceiver]:
    """A receiver named in the environment; messages are never held back by the hour of the test."""
    settings = tmp_path / "settings.toml"
    settings.write_text('[alerts]\nquiet_from = "00:00"\nquiet_until = "00:00"\n', encoding="utf-8")
    receiver = HttpReceiver().start()
    monkeypatch.setenv("RETURNS_SETTINGS", str(settings))
    monkeypatch.setenv("RETURNS_ALERT_WEBHOOK_URL", receiver.address)
    yield receiver
    receiver.stop()


def arrived(webhook: HttpReceiver, kind: str) -> list[dict]:
    found = [body for body in webhook.bodies if body["kind"] == kind]
    webhook.bodies[:] = [body for body in webhook.bodies if body["kind"] != kind]
    return found


def said(answer: object) -> str:
    assert isinstance(answer, dg.SkipReason), answer
    return answer.skip_message or ""


def check_result(connection: psycopg.Connection, passed: bool, **detail: object) -> None:
    check_results.record(
        connection,
        check_name="prices_are_known",
        asset_key="returngo/return_items",
        run_id="r",
        passed=passed,
        severity="warn",
        is_blocking=False,
        rows_checked=10,
        violations=0 if passed else 2,
        detail={"title": "Every unit has a price", "owner": "cx", "first": ["rma 1"], **detail},
    )


def test_an_exception_reaches_its_owner_in_one_tick(
    tick: Tick, connection: psycopg.Connection, webhook: HttpReceiver
) -> None:
    found = Finding("double_credit", "order_row", "9", "uk", "a credit by somebody else", 7, 500, "GBP")
    exceptions.observe(
        connection, "s", "uk", [found], None, dt.datetime.now(dt.UTC), catalogue=CATALOGUE, settings=load_settings()
    )
    assert said(tick("exception_alert_sensor")).startswith("1 new causes, 0 escalations")
    (message,) = arrived(webhook, "cause")
    assert (message["group"], message["severity"]) == ("finance", "critical")
    assert said(tick("exception_alert_sensor")).startswith("0 new causes")
    assert arrived(webhook, "cause") == []


def test_a_receiver_that_is_down_does_not_fail_the_tick(
    tick: Tick, connection: psycopg.Connection, webhook: HttpReceiver
) -> None:
    """The sensor stays alive and says what is wrong; the message waits in the outbox."""
    webhook.stop()
    check_result(connection, passed=False)
    tick("failed_check_sensor")
    assert "webhook could not be reached" in said(tick("exception_alert_sensor"))
    assert connection.execute("SELECT count(*) FROM alert_outbox WHERE sent_at IS NULL").fetchone() == (1,)
    webhook.start()
    connection.execute("UPDATE alert_outbox SET not_before = now()")
    tick("exception_alert_sensor")
    assert len(arrived(webhook, "check")) == 1


def test_without_a_channel_the_sensors_say_so(tick: Tick, connection: psycopg.Connection) -> None:
    for name in ("exception_alert_sensor", "failed_check_sensor", "run_failure_sensor"):
        assert "nobody is told: none of RETURNS_SLACK_WEBHOOK_URL" in said(tick(name))


def test_a_check_that_began_to_fail_is_told_once_until_it_has_passed(
    tick: Tick, connection: psycopg.Connection, webhook: HttpReceiver
) -> None:
    """Its run is green: nothing else in Dagster would tell."""

    def told() -> list[dict]:
        tick("failed_check_sensor")
        tick("exception_alert_sensor")
        return arrived(webhook, "check")

    check_result(connection, passed=True)
    assert told() == []
    check_result(connection, passed=False)
    (message,) = told()
    assert message["title"] == "Check failed: Every unit has a price (returngo/return_items)"
    assert message["lines"] == ["2 of 10 do not hold", "first: rma 1"]
    assert message["group"] == "cx"
    check_result(connection, passed=False)
    assert told() == []
    check_result(connection, passed=True)
    assert told() == []
    check_result(connection, passed=False)
    assert len(told()) == 1


def test_a_check_whose_cases_are_told_as_exceptions_is_not_told_twice(
    tick: Tick, connection: psycopg.Connection, webhook: HttpReceiver
) -> None:
    check_result(connection, passed=False, is_announced=False)
    assert said(tick("failed_check_sensor")) == "1 of 1 checks fail, 0 of them were told now"


def test_a_failed_run_is_told_with_its_step_and_not_again_within_the_hour(
    tick: Tick, instance: dg.DagsterInstance, webhook: HttpReceiver
) -> None:
    """A sync that fails each ten minutes is one thing to mend."""

    @dg.op
    def posting() -> None:
        raise ValueError("Brightpearl is closed\nand more")

    @dg.job
    def returns_sync() -> None:
        posting()

    tick("run_failure_sensor")
    returns_sync.execute_in_process(instance=instance, raise_on_error=False)
    assert said(tick("run_failure_sensor")) == "1 runs failed since the last look, 1 messages"
    tick("exception_alert_sensor")
    (message,) = arrived(webhook, "run")
    assert message["title"] == "Run failed: returns_sync at posting"
    assert message["lines"] == ["ValueError: Brightpearl is closed", "1 of its runs failed in the last 24 hours"]
    returns_sync.execute_in_process(instance=instance, raise_on_error=False)
    assert said(tick("run_failure_sensor")) == "1 runs failed since the last look, 0 messages"
    assert said(tick("run_failure_sensor")) == "0 runs failed since the last look, 0 messages"


def test_a_failed_run_of_another_accounts_code_location_is_not_told_here(
    tick: Tick, instance: dg.DagsterInstance, connection: psycopg.Connection, webhook: HttpReceiver
) -> None:
    """Its own sensor tells it, to its own people; here it would be a second alarm in the wrong inbox."""
    other = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("brand_b"), "__repository__")
    instance.create_run_for_job(
        defs().resolve_job_def("returns_sync"),
        status=dg.DagsterRunStatus.FAILURE,
        remote_job_origin=RemoteJobOrigin(other, "returns_sync"),
    )
    assert said(tick("run_failure_sensor")) == "0 runs failed since the last look, 0 messages"


def test_the_health_run_stands_in_for_alert_sensors_that_are_silent(
    instance: dg.DagsterInstance, connection: psycopg.Connection, webhook: HttpReceiver
) -> None:
    """Who would tell that the teller is dead?"""
    health = defs().resolve_job_def("pipeline_health")
    for part in PARTS.values():
        heartbeats.beat(connection, part)
    health.execute_in_process(instance=instance)
    assert webhook.bodies == []
    connection.execute(
        "UPDATE heartbeats SET beat_at = beat_at - interval '6 minutes' WHERE name = 'failed_check_sensor'"
    )
    health.execute_in_process(instance=instance)
    health.execute_in_process(instance=instance)
    (message,) = arrived(webhook, "silence")
    assert message["title"] == "failed_check_sensor is silent: alerts may be missing"


def test_doctor_sends_a_test_message_over_each_channel(
    connection: psycopg.Connection,
    webhook: HttpReceiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path,
) -> None:
    """Whether anybody is told must not be found out at the first alarm."""
    for name, value in {"RETURNS_HOME": str(tmp_path), "DAGSTER_HOME": "", "DAGSTER_POSTGRES_URL": ""}.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["doctor", "--alert"]) == 0
    assert capsys.readouterr().out == "OK   a test alert by webhook, for integration\n"
    assert [body["kind"] for body in webhook.bodies] == ["test"]
    webhook.status = 403
    monkeypatch.setenv("RETURNS_SMTP_URL", "smtp://127.0.0.1:9")
    assert cli.main(["doctor", "--alert"]) == 1
    told = capsys.readouterr().out
    assert "MEND a test alert by webhook, for integration: webhook answered 403" in told
    assert "MEND a test alert by mail, for integration: name addresses of integration in [alerts.recipients]" in told
