"""The commands by which the pipeline is kept: checks, doctor, health, ledger, webhooks, database. What each does is in `commands/`."""

import argparse
import os
from pathlib import Path

from returns_pipeline.cli.words import OK, command, show


def add_operations(commands: argparse._SubParsersAction) -> None:
    """The words of what keeps the pipeline."""
    checks = commands.add_parser("checks", help="The data team's checks.").add_subparsers(required=True, metavar="VERB")
    new = command(checks, "new", _checks_new, "Writes a check and its test from a template; nothing is written over.")
    new.add_argument("name", help="a true statement in small letters: prices_are_known")
    new.add_argument("--asset", required=True, metavar="KEY", help="whose rows it looks at: returns/return_lines")
    doctor = command(commands, "doctor", _doctor, "What the pipeline needs, each OK or with its mend. Only reads.")
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
    doctor.add_argument(
        "--prove-negative-rows",
        type=int,
        metavar="ORDER",
        help="writes a test credit with a row below nothing on a test order and says what the account does with it",
    )
    doctor.add_argument(
        "--write-settings", type=Path, metavar="FILE", help="write a proposal of settings into a new file"
    )
    doctor.add_argument("--json", action="store_true")
    health = command(commands, "health", _health, "Exit 1 when a heartbeat is stale: for a monitor outside Dagster.")
    health.add_argument("--json", action="store_true")
    ledger = commands.add_parser("ledger", help="The effect ledger.").add_subparsers(required=True, metavar="VERB")
    command(ledger, "verify", _ledger_verify, "Checks the audit chain from its first row.")
    erased = command(
        commands, "erase", _erase, "Forgets free text and parcels of one order; money, ledger and audit stay."
    )
    erased.add_argument(
        "--order", required=True, help="Shopify's order id, the order's name, or Brightpearl's order id"
    )
    erased.add_argument("--reason", required=True)
    erased.add_argument("--by", required=True, metavar="NAME")
    webhooks = commands.add_parser("webhooks", help="Messages of both systems that something moved.")
    verbs = webhooks.add_subparsers(required=True, metavar="VERB")
    serve = command(verbs, "serve", _webhooks_serve, "Takes webhooks in on this machine, for your proxy to pass on.")
    serve.add_argument("--port", type=int, default=3080)
    serve.add_argument("--host", default="127.0.0.1", help="another address only with [ui] behind_proxy = true")
    command(verbs, "register", _webhooks_register, "Asks Brightpearl and ReturnGo to send to [webhooks] public_url.")
    command(verbs, "remove", _webhooks_remove, "Takes back every registration that sends to [webhooks] public_url.")
    listed = command(verbs, "list", _webhooks_list, "What is registered, and what came in the last week.")
    listed.add_argument("--json", action="store_true")
    db = commands.add_parser("db", help="The embedded database.").add_subparsers(required=True, metavar="VERB")
    command(db, "start", _db_start, "Starts the embedded server and migrates it.")
    command(db, "stop", _db_stop, "Stops the embedded server.")
    backup = command(db, "backup", _db_backup, "Dumps the database into a new file that only you can read.")
    backup.add_argument("file", type=Path)
    restore = command(
        db, "restore", _db_restore, "Puts the database back to a backup; then run settle before anything is written."
    )
    restore.add_argument("file", type=Path)


def _checks_new(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import checks

    return show(checks.new(chosen.name, chosen.asset), as_json=False)


def _doctor(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import doctor, go_live, prove

    if chosen.write_settings:
        return show(doctor.propose_settings(chosen.write_settings), chosen.json)
    if chosen.prove_dedupe:
        return show(prove.dedupe(chosen.prove_dedupe), chosen.json)
    if chosen.prove_negative_rows:
        return show(prove.negative_rows(chosen.prove_negative_rows), chosen.json)
    if chosen.go_live:
        return show(go_live.examine(chosen.go_live), chosen.json)
    return show(doctor.send_test_alert() if chosen.alert else doctor.examine(), chosen.json)


def _health(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import health

    return show(health.heartbeats_now(), chosen.json)


def _erase(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import erase

    return show(erase.erase(chosen.order, by=chosen.by, reason=chosen.reason), as_json=False)


def _ledger_verify(_: argparse.Namespace) -> int:
    from returns_pipeline.commands import ledger

    return show(ledger.verify(), as_json=False)


def _webhooks_serve(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import webhooks

    return show(webhooks.serve(chosen.host, chosen.port), as_json=False)


def _webhooks_register(_: argparse.Namespace) -> int:
    from returns_pipeline.commands import webhooks

    return show(webhooks.register(), as_json=False)


def _webhooks_remove(_: argparse.Namespace) -> int:
    from returns_pipeline.commands import webhooks

    return show(webhooks.remove(), as_json=False)


def _webhooks_list(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import webhooks

    return show(webhooks.listed(), chosen.json)


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
