"""After a day of faults: what was logged, stored, told, exported and backed up holds no secret and no customer, and does nothing."""

import datetime as dt
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from returns_pipeline import cli
from returns_pipeline.commands import doctor, exceptions
from returns_pipeline.commands.sync import sync
from returns_pipeline.definitions import defs
from returns_pipeline.stages.passes import Scope
from returns_pipeline_tests.alerts.receivers import HttpReceiver, MailReceiver
from returns_pipeline_tests.scenarios.conftest import PASSWORD
from returns_pipeline_tests.scenarios.retailer import Retailer
from returns_pipeline_tests.scenarios.written import everything_written, unpacked
from returns_pipeline_tests.ui.conftest import Served

# With the webserver, daemon and returns of the other tests of people.
pytestmark = pytest.mark.xdist_group("ui")
LOGS = (".log", ".out", ".err", "/log")
# A formula of a workbook, an element of a page that fetches or runs, a cell of a list that a spreadsheet would reckon.
ACTS = {
    ".xml": re.compile(r"<f>"),
    ".html": re.compile(r"<(script|img|iframe|a)\b[^>]*(evil|javascript)|<script>window"),
    ".csv": re.compile(r"(?m:^|,)\"?[=+@-]"),
}
LOOKED_AT = (
    "everything.log", ".xlsx!xl/sharedStrings.xml", ".html", "skus.csv", "returns.effect_attempt", "public.event_logs", "public.runs",
    "unpacked backup", "chat", "mail",
)  # fmt: skip


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HttpReceiver, MailReceiver]]:
    """Chat and mail, whose addresses are secrets too."""
    chat, mail = HttpReceiver().start(), MailReceiver().start()
    monkeypatch.setenv("RETURNS_SLACK_WEBHOOK_URL", chat.address)
    monkeypatch.setenv("RETURNS_ALERT_WEBHOOK_URL", chat.address)
    monkeypatch.setenv("RETURNS_SMTP_URL", mail.address)
    yield chat, mail
    chat.stop()
    mail.stop()


@pytest.fixture
def everything_logged(served: Served) -> Iterator[None]:  # noqa: ARG001 - the home is there
    """Every line of every library of this process, down to the last detail, in a file of the home."""
    handler, root = logging.FileHandler(Path(os.environ["RETURNS_HOME"]) / "everything.log"), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(level)
    root.removeHandler(handler)
    handler.close()


def fail_with(variable: str, value: str) -> None:
    """A pass as the daemon runs it, in an environment that somebody mangled: its step fails with a traceback."""
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.get() as instance:
        patch.setenv(variable, value)
        job = defs().resolve_job_def("returns_sync")
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success


def tell(*names: str) -> None:
    """The sensors as the daemon evaluates them."""
    repository = defs().get_repository_def()
    with dg.DagsterInstance.get() as instance:
        for name in names:
            with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
                repository.get_sensor_def(name)(context)


def play_a_bad_day(retailer: Retailer, echo: str) -> None:
    """Broken answers that are got over, a refused write, a revoked token, a portal that refuses everything, a mangled variable."""
    refusal = {"errors": [{"code": "ORDC-008", "message": echo}]}
    refused: dict[str, Any] = {"kind": "status_before_commit", "status": 400, "count": None}
    retailer.approved(retailer.order())
    for is_good, *faults in (
        (
            True,
            refused | {"method": "POST", "path": "/sales-credit$", "body": refusal},
            {"kind": "html_body", "method": "GET", "path": "-search$"},
            {"kind": "malformed_json", "api": "returngo"},
        ),
        (False, {"kind": "unauthorized", "count": None}),
        (False, {"kind": "unauthorized", "count": None}),
        (False, refused | {"api": "returngo", "body": {"message": echo}}),
    ):
        retailer.sandbox.post("/faults", faults)  # type: ignore[arg-type] - the address takes lists too
        result = sync(Scope(), lock_wait=60)
        retailer.sandbox.clear_faults()
        assert result.is_good is is_good, result
        tell("exception_alert_sensor")
    fail_with("BRIGHTPEARL_ACCOUNT_TOKEN", "canary of a\nmangled token")


def test_a_day_of_faults_writes_no_secret_no_customer_and_nothing_that_acts(
    served: Served, receivers: tuple[HttpReceiver, MailReceiver], everything_logged: None
) -> None:
    """Tokens are revoked, answers broken, and errors repeat keys and customers; then all that was written is searched."""
    retailer, (chat, mail), home = served.retailer, receivers, Path(os.environ["RETURNS_HOME"])
    keys = {value for name, value in os.environ.items() if name.endswith(("_KEY", "_TOKEN"))}
    assert len(keys) > 2
    play_a_bad_day(retailer, f"canary.person@example.com, +44 7700 900123, {', '.join(sorted(keys))}")
    tell("failed_check_sensor", "run_failure_sensor", "exception_alert_sensor")
    refused = [body for body in chat.bodies if "cause: brightpearl refuses our credentials" in body.get("lines", ())]
    assert len(refused) == 1, "a revoked token is told once, whatever it closes and however often it is met"
    today = dt.datetime.now(dt.UTC).date()
    assert cli.main(["audit", "--from", str(today - dt.timedelta(days=20)), "--to", str(today)]) == cli.FOUND_SOMETHING
    assert cli.main(["skus", "export", str(home / "skus.csv")]) == cli.OK
    retailer.command("db", "backup", str(home / "night.dump"), as_owner=True)
    shown = [*doctor.examine().lines, *exceptions.listed(owner=None).lines]
    texts = dict(everything_written())
    texts |= {"unpacked backup": unpacked(home / "night.dump"), "the screen": "\n".join(shown)}
    texts |= {f"chat {number}": str(body) for number, body in enumerate(chat.bodies)}
    texts |= {f"mail {number}": str(each) for number, each in enumerate(mail.mails)}
    for kind in LOOKED_AT:
        assert [where for where in texts if kind in where], f"nothing of {kind} was looked at"
    for where, text in texts.items():
        assert "canary" not in text.lower(), f"a customer's data in {where}"
        assert "900123" not in text, f"a customer's number in {where}"
        assert [secret for secret in (*keys, PASSWORD, chat.address) if secret in text] == [], f"a secret in {where}"
        if where.endswith(LOGS):
            assert re.search(r"(?m)^ERROR forged", text) is None, f"a line in {where} that a stranger wrote"
        if acts := ACTS.get(Path(where).suffix):
            assert acts.search(text) is None, f"something in {where} that acts"
