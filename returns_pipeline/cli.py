"""The `returns-pipeline` command: its words, its help and its exit status. What a sub-command does is in `commands/`."""

import argparse
import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

OK, FOUND_SOMETHING, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one sub-command; 0 did its work, 1 found something or could not go on, 2 wrong usage."""
    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return FOUND_SOMETHING
    except _expected_refusals() as refusal:
        print(f"returns-pipeline: {refusal}", file=sys.stderr)
        return FOUND_SOMETHING
    return status


def _expected_refusals() -> tuple[type[Exception], ...]:
    from returns_pipeline.commands.refusals import REFUSALS

    return REFUSALS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="returns-pipeline", description="Returns from ReturnGo to credits and stock in Brightpearl."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_sync(commands)
    _add_people(commands)
    _add_drill(commands)
    _add_operations(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    added.set_defaults(run=run)
    return added


def _add_demo(commands: argparse._SubParsersAction) -> None:
    demo = _command(
        commands,
        "demo",
        _demo,
        "A small retailer's returns over several days, from approval to posted credit, over real HTTP.",
    )
    demo.add_argument("--json", action="store_true", help="the summary as data")
    demo.add_argument("--seed", type=int, default=7, help="the same seed gives the same world")
    dev = _command(
        commands, "dev", _dev, "The same world in the Dagster UI on 127.0.0.1, with its actors going on living."
    )
    dev.add_argument("--port", type=int, default=3000)
    dev.add_argument("--seed", type=int, default=7)
    sandbox = commands.add_parser("sandbox", help="A ReturnGo and a Brightpearl on loopback.").add_subparsers(
        required=True, metavar="VERB"
    )
    serve = _command(sandbox, "serve", _sandbox_serve, "Serves both APIs and an admin address until it is stopped.")
    serve.add_argument(
        "rest", nargs=argparse.REMAINDER, help="options of the sandbox itself; try: sandbox serve --help"
    )


def _add_sync(commands: argparse._SubParsersAction) -> None:
    sync = _command(commands, "sync", _sync, "One pass of returns_sync in this process, shown in the Dagster UI.")
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
    audit = _command(
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
    settle = _command(commands, "settle", _settle, "Looks up effects whose outcome is unknown; only reads.")
    settle.add_argument("--json", action="store_true")


def _add_people(commands: argparse._SubParsersAction) -> None:
    postings = commands.add_parser("postings", help="Credits that wait for a person.").add_subparsers(
        required=True, metavar="VERB"
    )
    listing = _command(
        postings,
        "list",
        _postings_list,
        "The postings that wait for approval, with their tax proof and the batch's hash.",
    )
    listing.add_argument("--json", action="store_true")
    approve = _command(
        postings,
        "approve",
        _postings_approve,
        "Approves the batch that was shown; a batch that changed since is refused.",
    )
    approve.add_argument("--by", required=True, metavar="NAME", help="who approves (asserted and recorded as such)")
    approve.add_argument("--batch", metavar="HASH", help="the hash that `postings list` showed")
    approve.add_argument("--all", action="store_true", help="approve whatever waits now")
    approve.add_argument("--rma", action="append", type=int, default=[], help="only the postings of this RMA")
    exceptions = commands.add_parser(
        "exceptions", help="What does not fit, with owner, age and next step."
    ).add_subparsers(required=True, metavar="VERB")
    listed = _command(exceptions, "list", _exceptions_list, "Open exceptions, most money first.")
    listed.add_argument("--owner")
    listed.add_argument("--json", action="store_true")
    shown = _command(exceptions, "show", _exceptions_show, "One exception with its evidence and history.")
    shown.add_argument("id", type=int)
    shown.add_argument("--json", action="store_true")
    resolve = _command(exceptions, "resolve", _exceptions_resolve, "Decides about one exception.")
    resolve.add_argument("id", type=int)
    resolve.add_argument(
        "--action",
        required=True,
        help="acknowledge, waive, void, map_sku, keep_item, lost_in_transit, accept_variance, adopt_credit; on a write: retry, void, adopt",
    )
    resolve.add_argument("--value", default="{}", help="JSON that the action needs, such as '{\"order_row_id\": 17}'")
    resolve.add_argument("--reason", required=True)
    resolve.add_argument("--by", required=True, metavar="NAME")
    resolve.add_argument("--second", metavar="NAME", help="the second person, above limits.second_approver_minor")
    _add_decisions(commands)
    refunds = commands.add_parser("refunds", help="Refunds that the portal does not know.").add_subparsers(
        required=True, metavar="VERB"
    )
    imported = _command(
        refunds, "import", _refunds_import, "Imports a CSV of refunds made straight in Shopify, for the month's close."
    )
    imported.add_argument("file", type=Path)
    imported.add_argument("--shop", required=True)
    imported.add_argument("--by", required=True, metavar="NAME", help="who imports (asserted and recorded as such)")
    inspections = commands.add_parser("inspections", help="What the bench found.").add_subparsers(
        required=True, metavar="VERB"
    )
    record = _command(inspections, "record", _inspections_record, "Records the inspection of received units.")
    record.add_argument("--rma", type=int, required=True)
    record.add_argument("--item", type=int, required=True, metavar="RETURNED_ITEM_ID")
    record.add_argument("--result", choices=["pass", "damaged", "write_off"], required=True)
    record.add_argument("--reason", default="")
    record.add_argument("--by", required=True, metavar="NAME")


def _add_decisions(commands: argparse._SubParsersAction) -> None:
    decisions = commands.add_parser("decisions", help="What people decided.").add_subparsers(
        required=True, metavar="VERB"
    )
    listed = _command(decisions, "list", _decisions_list, "The decisions in force, with their numbers.")
    listed.add_argument("--json", action="store_true")
    revoke = _command(decisions, "revoke", _decisions_revoke, "Takes a decision back; it stays on record.")
    revoke.add_argument("id", type=int)
    revoke.add_argument("--reason", required=True)
    revoke.add_argument("--by", required=True, metavar="NAME")


def _add_drill(commands: argparse._SubParsersAction) -> None:
    drill = _command(commands, "drill", _drill, "A case to practise on, in a small world of its own.")
    drill.add_argument("role", nargs="?", choices=["finance", "warehouse", "cx", "product-data", "data"])
    drill.add_argument("--check", action="store_true", help="judge how the drill of that role was resolved")
    drill.add_argument("--stop", action="store_true", help="end the drill that is under way")
    drill.add_argument("--json", action="store_true")


def _add_operations(commands: argparse._SubParsersAction) -> None:
    checks = commands.add_parser("checks", help="The data team's checks.").add_subparsers(required=True, metavar="VERB")
    new = _command(checks, "new", _checks_new, "Writes a check and its test from a template; nothing is written over.")
    new.add_argument("name", help="a true statement in small letters: prices_are_known")
    new.add_argument("--asset", required=True, metavar="KEY", help="whose rows it looks at: returns/return_lines")
    doctor = _command(commands, "doctor", _doctor, "What the pipeline needs, each OK or with its mend. Only reads.")
    doctor.add_argument("--alert", action="store_true", help="send a test message over each channel instead")
    doctor.add_argument(
        "--go-live", metavar="SHOP", help="what still stands against letting the pipeline write for a shop"
    )
    doctor.add_argument(
        "--prove-dedupe",
        type=int,
        metavar="ORDER",
        help="writes two identical test credits on a test order and says what stands",
    )
    doctor.add_argument("--json", action="store_true")
    health = _command(commands, "health", _health, "Exit 1 when a heartbeat is stale: for a monitor outside Dagster.")
    health.add_argument("--json", action="store_true")
    ledger = commands.add_parser("ledger", help="The effect ledger.").add_subparsers(required=True, metavar="VERB")
    _command(ledger, "verify", _ledger_verify, "Checks the audit chain from its first row.")
    db = commands.add_parser("db", help="The embedded database.").add_subparsers(required=True, metavar="VERB")
    _command(db, "start", _db_start, "Starts the embedded server and migrates it.")
    _command(db, "stop", _db_stop, "Stops the embedded server.")
    backup = _command(db, "backup", _db_backup, "Dumps the database into a new file that only you can read.")
    backup.add_argument("file", type=Path)
    restore = _command(
        db, "restore", _db_restore, "Puts the database back to a backup; then run settle before anything is written."
    )
    restore.add_argument("file", type=Path)


def _demo(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import demo

    return _show(demo.run(seed=chosen.seed, say=_say_progress), chosen.json)


def _dev(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import dev

    return _show(dev.run(seed=chosen.seed, port=chosen.port, say=_say_progress), as_json=False)


def _sandbox_serve(chosen: argparse.Namespace) -> int:
    import subprocess

    return subprocess.call([sys.executable, "-m", "returns_pipeline.sandbox.serve", *chosen.rest])  # noqa: S603 - our own module


def _sync(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import runtime

    runtime.prepare()
    from returns_pipeline.commands import sync
    from returns_pipeline.stages.passes import Scope

    start = time.monotonic()
    scope = Scope(shops=tuple(chosen.shop), rma_ids=tuple(chosen.rma), is_sweep=chosen.full)
    result = sync.sync(scope, until_idle=chosen.until_idle, lock_wait=chosen.lock_wait, tell=_say_progress)
    if chosen.json:
        _print_json(vars(result) | {"seconds": round(time.monotonic() - start, 1)})
    else:
        for line in sync.in_words(result, time.monotonic() - start):
            print(line)
    return OK if result.is_good else FOUND_SOMETHING


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _audit(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import audit

    answer = audit.run(
        chosen.first, chosen.last, chosen.shop, only_plan=chosen.plan, afresh=chosen.afresh, tell=_say_progress
    )
    return _show(answer, chosen.json)


def _settle(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import ledger

    return _show(ledger.settle(), chosen.json)


def _postings_list(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import postings

    return _show(postings.waiting(), chosen.json)


def _postings_approve(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import postings

    return _show(
        postings.approve(by=chosen.by, batch=chosen.batch, everything=chosen.all, rma_ids=chosen.rma), as_json=False
    )


def _exceptions_list(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import exceptions

    return _show(exceptions.listed(owner=chosen.owner), chosen.json)


def _exceptions_show(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import exceptions

    return _show(exceptions.shown(chosen.id), chosen.json)


def _exceptions_resolve(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import exceptions

    return _show(
        exceptions.resolve(
            chosen.id,
            action=chosen.action,
            value=chosen.value,
            reason=chosen.reason,
            by=chosen.by,
            second=chosen.second,
        ),
        as_json=False,
    )


def _decisions_list(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import decisions

    return _show(decisions.listed(), chosen.json)


def _decisions_revoke(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import decisions

    return _show(decisions.revoke(chosen.id, reason=chosen.reason, by=chosen.by), as_json=False)


def _refunds_import(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import refunds

    return _show(refunds.import_list(chosen.file, chosen.shop, chosen.by), as_json=False)


def _inspections_record(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import inspections

    return _show(
        inspections.record(
            rma_id=chosen.rma, item_id=chosen.item, result=chosen.result, reason=chosen.reason, by=chosen.by
        ),
        as_json=False,
    )


def _checks_new(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import checks

    return _show(checks.new(chosen.name, chosen.asset), as_json=False)


def _doctor(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import doctor, go_live, prove_dedupe

    if chosen.prove_dedupe:
        return _show(prove_dedupe.prove(chosen.prove_dedupe), chosen.json)
    if chosen.go_live:
        return _show(go_live.examine(chosen.go_live), chosen.json)
    return _show(doctor.send_test_alert() if chosen.alert else doctor.examine(), chosen.json)


def _drill(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import drill

    if chosen.stop:
        return _show(drill.stop(), chosen.json)
    if chosen.role is None:
        print("returns-pipeline drill: name a role, or --stop", file=sys.stderr)
        return USAGE
    return _show(drill.check(chosen.role) if chosen.check else drill.start(chosen.role, _say_progress), chosen.json)


def _health(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import health

    return _show(health.heartbeats_now(), chosen.json)


def _ledger_verify(_: argparse.Namespace) -> int:
    from returns_pipeline.commands import ledger

    return _show(ledger.verify(), as_json=False)


def _db_start(_: argparse.Namespace) -> int:
    from returns_pipeline.commands import runtime

    runtime.prepare(keep_running=True)
    print("the database is up and migrated")
    return OK


def _db_stop(_: argparse.Namespace) -> int:
    from returns_pipeline.storage import embedded, home

    embedded.stop(home.postgres())
    print("the embedded server is stopped")
    return OK


def _db_backup(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import runtime
    from returns_pipeline.storage import backup

    runtime.prepare()
    size = backup.write(os.environ["RETURNS_DATABASE_URL"], chosen.file)
    print(f"{chosen.file}: {size:,} bytes")
    return OK


def _db_restore(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import runtime
    from returns_pipeline.storage import backup

    runtime.prepare()
    backup.restore(os.environ["RETURNS_DATABASE_URL"], chosen.file)
    print("restored; the next settle looks up what was written since that backup, and until then nothing is written")
    return OK


def _show(answer: object, as_json: bool) -> int:
    """Prints an `Answer`: its lines for people or its data for scripts."""
    from returns_pipeline.commands.answers import Answer

    if not isinstance(answer, Answer):
        raise TypeError(f"a command must answer with an Answer, got {type(answer).__name__}")
    if as_json:
        _print_json(answer.data)
    else:
        for line in answer.lines:
            print(line)
    return answer.status


def _print_json(data: object) -> None:
    print(json.dumps(data, indent=2, default=str))


def _say_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
