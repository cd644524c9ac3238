"""`demo`: a small retailer's returns over several days, over real HTTP, until nothing moves; then a summary and its proof."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from returns_pipeline.commands import runtime, sandbox_process, summary
from returns_pipeline.commands.answers import Answer
from returns_pipeline.commands.sandbox_process import Sandbox
from returns_pipeline.storage import embedded, home

_APPROVER = "Dana (demo finance)"
_MOST_CLOSING_ROUNDS = 3


def run(*, seed: int, say: Callable[[str], None]) -> Answer:
    """Plays the story with the pipeline working between its phases; 0 when both sides agree to the penny."""
    start = time.monotonic()
    with world(seed=seed, living=False, say=say) as sandbox:
        _play(sandbox, say)
        told = summary.gather(sandbox.get("/state"))
    told["seconds"] = round(time.monotonic() - start, 1)
    return Answer(summary.in_words(told), told, status=0 if told["proof"]["agrees"] else 1)


@contextmanager
def world(*, seed: int, living: bool, say: Callable[[str], None]) -> Iterator[Sandbox]:
    """A sandbox, a fresh database and the environment of a retailer who is live, for as long as the block lasts."""
    say("starting the sandbox and the database ...")
    # A home of its own: the demo empties its database and never touches a real one.
    os.environ["RETURNS_HOME"] = str(home.root() / "demo")
    with sandbox_process.running(seed=seed, living=living) as sandbox:
        settings = home.root() / "settings.toml"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(sandbox.settings_toml, encoding="utf-8")
        # The head of an earlier demo's ledger would make this one look like a restored backup.
        home.ledger_head().unlink(missing_ok=True)
        os.environ |= sandbox.environment | {
            "RETURNS_SETTINGS": str(settings),
            "RETURNS_MODE": "live",
            "RETURNS_DATABASE_URL": embedded.renew(home.postgres()),
        }
        runtime.prepare()
        yield sandbox


def _play(sandbox: Sandbox, say: Callable[[str], None]) -> None:
    from returns_pipeline.commands import postings
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    for entry in sandbox.get("/story")["days"]:
        for phase in entry["phases"]:
            sandbox.post("/story/play", {"day": entry["day"], "phase": phase})
            # What carriers and the bench did since the morning is seen by the evening's pass.
            if phase in ("morning", "evening"):
                result = sync(Scope())
                _stop_on_failure(result)
        postings.approve_waiting(by=_APPROVER)
        say(f"{entry['date']}: {_in_short(result.counts)}")
    for _ in range(_MOST_CLOSING_ROUNDS):
        postings.approve_waiting(by=_APPROVER)
        sandbox.post("/story/play", {"day": len(sandbox.get("/story")["days"])})
        result = sync(Scope(), until_idle=True)
        _stop_on_failure(result)
        if len(result.run_ids) == 1:
            break
    say("nothing moves any more")


def _stop_on_failure(result: Any) -> None:  # noqa: ANN401 - SyncResult, imported late
    if result.failed_steps:
        raise RuntimeError(f"the demo stopped because a step failed: {result.failed_steps}")


def _in_short(counts: dict[str, int]) -> str:
    wanted = {
        "open returns": "returngo/rmas:open_returns",
        "units received": "returns/receipts:units_received",
        "credits and steps confirmed": "brightpearl/posted_credits:effects_confirmed",
        "open exceptions": "returns/exceptions:open",
    }
    return ", ".join(f"{counts.get(key, 0)} {words}" for words, key in wanted.items())
