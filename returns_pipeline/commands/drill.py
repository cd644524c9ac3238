"""`drill`: a case to practise on, in a small world with a database of its own.

The stories are in `drill_stories`, the judging in `drill_verdicts`; the drill that nobody has to act in is `drill_restore`.
"""

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from returns_pipeline.commands import runtime, sandbox_process
from returns_pipeline.commands.answers import Answer
from returns_pipeline.commands.drill_stories import STORIES, Case, Story, act
from returns_pipeline.commands.drill_verdicts import PASSED, Verdict, judge
from returns_pipeline.commands.sandbox_process import Sandbox
from returns_pipeline.storage import database, embedded, home

_SEED = 7
_HOURS_UNTIL_SHIPPED = 24
_HOURS_UNTIL_BOOKED_IN = 24
_KEPT, _ENVIRONMENT = "drill.json", "environment"


class NoDrill(Exception):
    """No drill of that role is under way; the message says how to start one."""


def start(role: str, say: Callable[[str], None]) -> Answer:
    """Ends the drill that is under way, sets a new one up and tells its story. The world lives on until `stop` or the next drill."""
    story, folder = STORIES[role], world_folder()
    stop()
    folder.mkdir(parents=True, exist_ok=True)
    say("setting the small world up ...")
    number, sandbox = sandbox_process.start_apart(folder, seed=_SEED)
    # Kept at once, so that `stop` finds the process whatever fails from here on.
    (folder / _KEPT).write_text(json.dumps({"process": number, "role": role}), encoding="utf-8")
    variables = prepared(sandbox, story.settings, folder)
    case = _played(sandbox, story)
    kept = {"process": number, "variables": variables, "role": role, "sandbox": sandbox.described, "case": asdict(case)}
    (folder / _KEPT).write_text(json.dumps(kept), encoding="utf-8")
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    (folder / _ENVIRONMENT).write_text(exports, encoding="utf-8")
    return Answer(_told(story, case, folder), {"role": role, "case": asdict(case)})


def check(role: str) -> Answer:
    """Judges what the person decided, after a pass of the pipeline where only that can tell; 0 when the drill is passed."""
    kept = _kept(role)
    os.environ |= kept["variables"]
    runtime.prepare(keep_running=True)
    fields = kept["case"]
    case = Case(**(fields | {"item_ids": tuple(fields["item_ids"])}))
    sandbox = Sandbox(kept["sandbox"])
    verdict = _judged(sandbox, case)
    if verdict.needs_pass:
        one_pass()
        verdict = _judged(sandbox, case)
    line = f"{verdict.state}: {verdict.reason}"
    return Answer(
        [line],
        {"role": role, "state": verdict.state, "reason": verdict.reason},
        status=0 if verdict.state == PASSED else 1,
    )


def _judged(sandbox: Sandbox, case: Case) -> Verdict:
    with database.connect() as connection:
        return judge(connection, case, sandbox.get("/state"))


def one_pass(*, until_idle: bool = False) -> None:
    """One pass of the pipeline in the small world, or as many as something moves."""
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    sync(Scope(), until_idle=until_idle)


def stop() -> Answer:
    """Ends the drill that is under way with its sandbox and its database; does nothing when there is none."""
    folder = world_folder()
    if not (folder / _KEPT).exists():
        return Answer(["no drill is under way"])
    number = json.loads((folder / _KEPT).read_text(encoding="utf-8"))["process"]
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(number)
        # After a restart of the machine the number may be somebody else's.
        if "returns_pipeline.sandbox.serve" in process.cmdline():
            process.terminate()
            process.wait(timeout=10)
    embedded.stop(folder / "postgres")
    (folder / _KEPT).unlink()
    return Answer(["the drill is over"])


def world_folder() -> Path:
    """Where drills live: below the home, or the home itself where the person has taken the drill's environment over."""
    root = home.root()
    return root if (root / _KEPT).exists() else root / "drill"


def _kept(role: str) -> dict[str, Any]:
    file = world_folder() / _KEPT
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if kept.get("role") != role or "case" not in kept:
        under_way = f"the drill under way is {kept['role']}" if kept else "no drill is under way"
        raise NoDrill(f"{under_way}; start this one with: returns-pipeline drill {role}")
    return kept


def prepared(sandbox: Sandbox, changes: Sequence[tuple[str, str]], folder: Path) -> dict[str, str]:
    """An empty database and the environment of a retailer who is live; answers the variables.

    Args:
        changes: lines of the sandbox's settings, and what stands there instead.
    """
    settings = sandbox.settings_toml
    for line, instead in changes:
        settings = settings.replace(line, instead)
    (folder / "settings.toml").write_text(settings, encoding="utf-8")
    for left in ("dagster", "reports"):
        shutil.rmtree(folder / left, ignore_errors=True)
    # The head of an earlier drill's ledger would make this one look like a restored backup.
    (folder / "ledger-head").unlink(missing_ok=True)
    os.environ |= sandbox.environment | {
        "RETURNS_HOME": str(folder),
        "RETURNS_SETTINGS": str(folder / "settings.toml"),
        "RETURNS_MODE": "live",
        "RETURNS_DATABASE_URL": embedded.renew(folder / "postgres", keep_running=True),
    }
    runtime.prepare(keep_running=True)
    names = (
        *sandbox.environment, "RETURNS_HOME", "RETURNS_SETTINGS", "RETURNS_MODE", "RETURNS_DATABASE_URL",
        "DAGSTER_HOME", "DAGSTER_POSTGRES_URL",
    )  # fmt: skip
    return {name: os.environ[name] for name in names}


def _played(sandbox: Sandbox, story: Story) -> Case:
    """What happened until the person comes to work."""
    order = act(sandbox, "customer", "buy", shop="uk", shape=story.shape)
    sandbox.post("/advance", {"hours": _HOURS_UNTIL_SHIPPED})
    case = story.before(sandbox, story.role, order)
    one_pass()
    if story.after is not None:
        sandbox.post("/advance", {"hours": _HOURS_UNTIL_BOOKED_IN})
        story.after(sandbox, case)
        one_pass()
    return case


def _told(story: Story, case: Case, folder: Path) -> list[str]:
    first, second = case.item_ids[0], case.item_ids[-1]
    words = [line.format(rma=case.rma_id, order=case.order_name, first=first, second=second) for line in story.words]
    return [
        f"{story.title}",
        "",
        *words,
        "",
        "Look and act from here:",
        f"  source {folder / _ENVIRONMENT}",
        *(f"  {step}" for step in story.steps),
        "In Dagster instead: the same `source`, then dagster dev -w workspace.yaml -h 127.0.0.1",
        f"Done? returns-pipeline drill {story.role} --check",
        "The end: returns-pipeline drill --stop",
    ]
