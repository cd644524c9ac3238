"""The audit of packages says clean only of what it looked up: against a source of advisories on this machine."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from returns_pipeline_tests.supply_chain import allowed
from returns_pipeline_tests.supply_chain.allowed import AllowedHole
from returns_pipeline_tests.supply_chain.holes import CLEAN, FOUND, NOT_AUDITED, Audit, audit

TODAY = dt.date(2026, 11, 23)
HOLE = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "aliases": ["CVE-2026-1"],
    "summary": "a hole",
    "details": "a hole",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "leaky"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


class Advisories(ThreadingHTTPServer):
    """Answers like OSV; `status` other than 200 is an outage."""

    daemon_threads = True
    status = 200


class Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"vulns": [HOLE]} if asked["package"]["name"] == "leaky" else {}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def advisories() -> Iterator[Advisories]:
    with Advisories(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def look(advisories: Advisories, tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("".join(f"{name}==1.0 --hash=sha256:{'0' * 64}\n" for name in ("leaky", "sound")))
    service = ["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{advisories.server_port}"]
    service += ["--cache-dir", str(tmp_path / "cache"), "--timeout", "5"]

    def audited(*allowances: AllowedHole) -> Audit:
        return audit(lock, allowances, TODAY, service)

    return audited


def allowance(until: dt.date, hole: str = "GHSA-aaaa-bbbb-cccc", package: str = "leaky") -> AllowedHole:
    return AllowedHole(hole, package, "we never call it", until)


def test_a_known_hole_is_told_with_the_release_that_mends_it(look):
    found = look()
    assert (found.status, found.lines) == (FOUND, ["leaky 1.0: CVE-2026-1, mended in 1.1"])


def test_an_allowance_holds_until_its_last_day(look):
    assert look(allowance(TODAY)).status == CLEAN
    late = look(allowance(TODAY - dt.timedelta(days=1)))
    assert late.status == FOUND
    assert "it was allowed until 2026-11-22 (we never call it): look again" in late.lines[0]


def test_an_allowance_that_nothing_needs_is_told(look):
    found = look(allowance(TODAY), allowance(TODAY, "GHSA-gone", "sound"))
    assert (found.status, found.lines) == (
        FOUND,
        ["sound: GHSA-gone is allowed and no longer found: take it out of allowed.toml"],
    )


def test_what_could_not_be_looked_up_is_never_called_clean(look, advisories):
    advisories.status = 503
    found = look(allowance(TODAY))
    assert found.status == NOT_AUDITED
    assert all(line.startswith("not audited") for line in found.lines)


def test_the_allowances_of_this_project_can_be_read():
    assert all(entry.reason for entry in [*allowed.holes(), *allowed.secrets()])
