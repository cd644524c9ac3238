"""The commands by which people act: approve, resolve, record, import. What each does is in `commands/`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from returns_pipeline.cli.words import command, show

Run = Callable[[argparse.Namespace], int]


def add_people(commands: argparse._SubParsersAction) -> None:
    """The words of what people decide and record."""
    postings = commands.add_parser("postings", help="Credits that wait for a person.").add_subparsers(
        required=True, metavar="VERB"
    )
    listing = command(
        postings,
        "list",
        _postings_list,
        "The postings that wait for approval, with their tax proof and the batch's hash.",
    )
    listing.add_argument("--json", action="store_true")
    approve = command(
        postings,
        "approve",
        _postings_approve,
        "Approves the batch that was shown; a batch that changed since is refused.",
    )
    approve.add_argument("--by", required=True, metavar="NAME", help="who approves (asserted and recorded as such)")
    approve.add_argument("--batch", metavar="HASH", help="the hash that `postings list` showed")
    approve.add_argument("--all", action="store_true", help="approve whatever waits now but large ones")
    approve.add_argument("--rma", action="append", type=int, default=[], help="only the postings of this RMA")
    exceptions = commands.add_parser(
        "exceptions", help="What does not fit, with owner, age and next step."
    ).add_subparsers(required=True, metavar="VERB")
    listed = command(exceptions, "list", _exceptions_list, "Open exceptions, most money first.")
    listed.add_argument("--owner")
    listed.add_argument("--json", action="store_true")
    shown = command(exceptions, "show", _exceptions_show, "One exception with its evidence and history.")
    shown.add_argument("id", type=int)
    shown.add_argument("--json", action="store_true")
    resolve = command(exceptions, "resolve", _exceptions_resolve, "Decides about one exception.")
    resolve.add_argument("id", type=int)
    resolve.add_argument(
        "--action",
        required=True,
        help="acknowledge, waive, void, map_sku, keep_item, lost_in_transit, accept_variance, accept_partial_bundle, adopt_credit; on a write: retry, void, adopt; on what was waived: reopen",
    )
    resolve.add_argument("--value", default="{}", help="JSON that the action needs, such as '{\"order_row_id\": 17}'")
    resolve.add_argument("--reason", required=True)
    resolve.add_argument("--by", required=True, metavar="NAME")
    resolve.add_argument("--second", metavar="NAME", help="the second person, above limits.second_approver_minor")
    decisions = commands.add_parser("decisions", help="What people decided, and taking it back.").add_subparsers(
        required=True, metavar="VERB"
    )
    in_force = command(decisions, "list", _decisions_list, "The decisions in force, oldest first.")
    in_force.add_argument("--json", action="store_true")
    back = command(decisions, "revoke", _decisions_revoke, "Takes a decision back; it stays on record.")
    back.add_argument("id", type=int)
    back.add_argument("--reason", required=True)
    back.add_argument("--by", required=True, metavar="NAME")
    refunds = commands.add_parser("refunds", help="Refunds that the portal does not know.").add_subparsers(
        required=True, metavar="VERB"
    )
    imported = command(
        refunds, "import", _refunds_import, "Imports a CSV of refunds made straight in Shopify, for the month's close."
    )
    imported.add_argument("file", type=Path)
    imported.add_argument("--shop", required=True)
    imported.add_argument("--by", required=True, metavar="NAME", help="who imports (asserted and recorded as such)")
    inspections = commands.add_parser("inspections", help="What the bench found.").add_subparsers(
        required=True, metavar="VERB"
    )
    record = command(inspections, "record", _inspections_record, "Records the inspection of received units.")
    record.add_argument("--rma", type=int, required=True)
    record.add_argument("--item", type=int, required=True, metavar="RETURNED_ITEM_ID")
    record.add_argument("--result", choices=["pass", "damaged", "write_off"], required=True)
    record.add_argument("--reason", default="")
    record.add_argument("--by", required=True, metavar="NAME")
    _add_lists(inspections, "received units that wait for an inspection", _inspections_export, _inspections_import)
    skus = commands.add_parser("skus", help="SKUs that hold returns.").add_subparsers(required=True, metavar="VERB")
    _add_lists(skus, "SKUs that no sale carries", _skus_export, _skus_import)


def _add_lists(verbs: argparse._SubParsersAction, what: str, exporting: Run, importing: Run) -> None:
    exported = command(verbs, "export", exporting, f"Writes the {what} as a new CSV to fill in.")
    exported.add_argument("file", type=Path)
    imported = command(verbs, "import", importing, "Takes the filled-in CSV; with one bad row nothing is taken.")
    imported.add_argument("file", type=Path)
    imported.add_argument("--by", required=True, metavar="NAME", help="who imports (asserted and recorded as such)")


def _postings_list(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import postings

    return show(postings.waiting(), chosen.json)


def _postings_approve(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import postings

    return show(
        postings.approve(by=chosen.by, batch=chosen.batch, everything=chosen.all, rma_ids=chosen.rma), as_json=False
    )


def _exceptions_list(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import exceptions

    return show(exceptions.listed(owner=chosen.owner), chosen.json)


def _exceptions_show(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import exceptions

    return show(exceptions.shown(chosen.id), chosen.json)


def _exceptions_resolve(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import exceptions

    return show(
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

    return show(decisions.listed(), chosen.json)


def _decisions_revoke(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import decisions

    return show(decisions.revoke(chosen.id, reason=chosen.reason, by=chosen.by), as_json=False)


def _refunds_import(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import refunds

    return show(refunds.import_list(chosen.file, chosen.shop, chosen.by), as_json=False)


def _inspections_record(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import inspections

    return show(
        inspections.record(
            rma_id=chosen.rma, item_id=chosen.item, result=chosen.result, reason=chosen.reason, by=chosen.by
        ),
        as_json=False,
    )


def _inspections_export(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import inspections

    return show(inspections.export_list(chosen.file), as_json=False)


def _inspections_import(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import inspections

    return show(inspections.import_list(chosen.file, chosen.by), as_json=False)


def _skus_export(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import skus

    return show(skus.export_list(chosen.file), as_json=False)


def _skus_import(chosen: argparse.Namespace) -> int:
    from returns_pipeline.commands import skus

    return show(skus.import_list(chosen.file, chosen.by), as_json=False)
