"""`dev`: the demo's world in the Dagster UI on 127.0.0.1, with its actors going on living, so that schedules and sensors are seen at work."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from returns_pipeline.commands import demo
from returns_pipeline.commands.answers import Answer

_WORKSPACE = Path(__file__).resolve().parents[2] / "workspace.yaml"


def run(*, seed: int, port: int, say: Callable[[str], None]) -> Answer:
    """Reads the living retailer once, so that the UI is not empty, and serves it until it is interrupted."""
    with demo.world(seed=seed, living=True, say=say):
        from returns_pipeline.commands.sync import sync
        from returns_pipeline.stages.passes import Scope

        say(f"first pass: {sync(Scope()).moved} things moved")
        say(f"the Dagster UI comes up on http://127.0.0.1:{port}; stop it with Ctrl+C")
        status = _serve(port)
    return Answer(["stopped"], {"status": status}, status=0 if status in (0, -signal.SIGINT, -signal.SIGTERM) else 1)


def _serve(port: int) -> int:
    """Webserver, daemon and code server in one process group, bound to loopback: Dagster itself has no login."""
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(_WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command)  # noqa: S603 - our own interpreter and a number
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=30)
