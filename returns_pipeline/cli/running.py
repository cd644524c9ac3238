"""The commands that make the pipeline run: the demo, the sandbox, one pass, the audit of the past. What each does is in `commands/`."""

import argparse
import datetime as dt
import subprocess
import sys
import time

from returns_pipeline.cli.words import FOUND_SOMETHING, OK, USAGE, command, print_json, say_progress, show


def add_demo(commands: argparse._SubParsersAction) -> None:
    """The words of the worlds to try it in."""
    demo = command(
        commands,
        "demo",
        _demo,
        "A small retailer's returns over several days, from approval to posted credit, over real HTTP.",
    )
    demo.add_argument("--json", action="store_true", help="the summary as data")
    demo.add_argument("--seed", type=int, default=7, help="the same seed gives the same world")
    dev = command(
        commands, "dev", _dev, "The same world in the Dagster UI on 127.0.0.1, with its actors going on living."
    )
    dev.add_argument("--port", type=int, default=3000)
    dev.add_argument("--seed", type=int, default=7)
    sandbox = commands.add_parser("sandbox", help="A ReturnGo and a Brightpearl on loopback.").add_subparsers(
        required=True, metavar="VERB"
    )
    serve = command(sandbox, "serve", _sandbox_serve, "Serves both APIs and an admin address until it is stopped.")
    serve.add_argument(
        "rest", nargs=argparse.REMAINDER, help="options of the sandbox itself; try: sandbox serve --help"
    )


def add_drill(commands: argparse._SubParsersAction) -> None:
    """The words of the cases to practise on."""
    drill = command(commands, "drill", _drill, "A case to practise on, in a small world of its own.")
    drill.add_argument(
        "role",
        nargs="?",
        choices=["finance", "warehouse", "cx", "product-data", "data", "restore"],
        help="restore: nobody acts, a day is lost with the database and the backup put back",
    )
    drill.add_argument("--check", action="store_true", help="judge how the drill of that role was resolved")
    drill.add_argument("--stop", action="store_true", help="end the drill that is under way")
    drill.add_argument("--json", action="store_true")


def add_sync(commands: argparse._SubParsersAction) -> None:
    """The words of one pass, and of the audit of the past."""
    sync = command(commands, "sync", _sync, "One pass of returns_sync in this process, shown in the Dagster UI.")
    sync.add_argument("--full", action="store_true", help="read every open return, credit and goods-in note again")
    sync.add_argument("--until-idle", action="store_true", help="go on until a pass moves nothing")
    sync.add_argument(
        "--lock-wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait for another sync"
    )
    sync.add_argument("--shop", action="append", default=[], help="only this shop (may be repeated)")
    sync.add_argument(
        "--rma", action="append", type=int, default=[], help="re-read and re-judge only this RMA (may be repeated)"
    )
    sync.add_argument("--json", action="store_true")
    audit = command(
        commands,
        "audit",
        _audit,
        "Judges returns made long ago: what was never credited, credited twice, taxed wrongly. Only reads; goes on where it stopped.",
    )
    audit.add_argument(
        "--from", dest="first", type=_day, required=True, metavar="YYYY-MM-DD", help="first day of returns"
    )
    audit.add_argument("--to", dest="last", type=_day, required=True, metavar="YYYY-MM-DD", help="last day of returns")
    audit.add_argument("--shop", action="append", default=[], help="only this shop (may be repeated)")
    audit.add_argument("--plan", action="store_true", help="only say what it costs, in calls and days")
    audit.add_argument("--afresh", action="store_true", help="read everything of the time again")
    audit.add_argument("--json", action="store_true")
    settle = command(commands, "settle", _settle, "Looks up effects whose outcome is unknown; only reads.")
    settle.add_argument("--json", action="store_true")


def _demo(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import demo

    return show(demo.run(seed=chosen.seed, say=say_progress), chosen.json)


def _dev(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import dev

    return show(dev.run(seed=chosen.seed, port=chosen.port, say=say_progress), as_json=False)


def _drill(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import drill, drill_restore

    if chosen.stop:
        return show(drill.stop(), chosen.json)
    if chosen.role is None:
        print("returns-pipeline drill: name a role, or --stop", file=sys.stderr)
        return USAGE
    if chosen.role == "restore":
        if chosen.check:
            print("returns-pipeline drill: restore judges itself, there is nothing to check", file=sys.stderr)
            return USAGE
        return show(drill_restore.run(say_progress), chosen.json)
    return show(drill.check(chosen.role) if chosen.check else drill.start(chosen.role, say_progress), chosen.json)


def _sandbox_serve(chosen: argparse.Namespace) -> int:
    return subprocess.call([sys.executable, "-m", "returns_pipeline.sandbox.serve", *chosen.rest])  # noqa: S603 - our own module


def _sync(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import runtime

    runtime.prepare()
    from returns_pipeline.commands import sync
    from returns_pipeline.stages.passes import Scope

    start = time.monotonic()
    scope = Scope(shops=tuple(chosen.shop), rma_ids=tuple(chosen.rma), is_sweep=chosen.full)
    result = sync.sync(scope, until_idle=chosen.until_idle, lock_wait=chosen.lock_wait, tell=say_progress)
    if chosen.json:
        print_json(vars(result) | {"seconds": round(time.monotonic() - start, 1)})
    else:
        for line in sync.in_words(result, time.monotonic() - start):
            print(line)
    return OK if result.is_good else FOUND_SOMETHING


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _audit(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import audit

    answer = audit.run(
        chosen.first, chosen.last, chosen.shop, only_plan=chosen.plan, afresh=chosen.afresh, tell=say_progress
    )
    return show(answer, chosen.json)


def _settle(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import ledger

    return show(ledger.settle(), chosen.json)
