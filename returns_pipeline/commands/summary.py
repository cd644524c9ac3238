"""The demo's closing words: what each stage did, who has open exceptions, and the proof that Brightpearl's own state agrees to the penny."""

from collections import Counter
from decimal import Decimal
from typing import Any

import psycopg

from returns_pipeline.domain.money import format_minor, to_minor
from returns_pipeline.storage import database

_POSTED = """
SELECT (e.payload->'subject'->>'credit_id')::bigint, e.payload->'expect'->>'currency', m.net_minor, m.tax_minor
FROM effect e CROSS JOIN LATERAL effect_money(e.payload) m WHERE e.kind = 'credit.post' AND e.state = 'confirmed'"""


def gather(true_state: dict[str, Any]) -> dict[str, Any]:
    """Stages, exceptions by owner and the proof, as data.

    Args:
        true_state: the sandbox's `/state`: what its Brightpearl really holds.
    """
    with database.connect() as connection:
        return {
            "returns": _count(connection, "SELECT count(*) FROM returngo_rmas"),
            "units_received": _count(connection, "SELECT coalesce(sum(matched_quantity), 0) FROM returns_receipts"),
            "credited": _credited(connection),
            "effects": dict(
                connection.execute(
                    "SELECT kind, count(*) FROM effect WHERE state = 'confirmed' GROUP BY 1 ORDER BY 1"
                ).fetchall()
            ),
            "unfinished_effects": dict(
                connection.execute(
                    "SELECT state::text, count(*) FROM effect WHERE state NOT IN ('confirmed', 'voided') GROUP BY 1"
                ).fetchall()
            ),
            "exceptions": _exceptions(connection),
            "calls": dict(connection.execute("SELECT api, sum(calls)::bigint FROM api_calls GROUP BY 1").fetchall()),
            "proof": _proof(connection, true_state),
        }


def in_words(told: dict[str, Any]) -> list[str]:
    """The summary for people, ending with the next command to try."""
    effects = told["effects"]
    lines = [
        "",
        f"returns read              {told['returns']:>6}",
        f"units received            {told['units_received']:>6}",
        f"expected returns raised   {effects.get('credit.raise', 0):>6}",
        f"credits posted            {effects.get('credit.post', 0):>6}",
    ]
    lines += [
        f"  {format_minor(entry['net_minor'], currency)} net, {format_minor(entry['tax_minor'], currency)} tax"
        for currency, entry in told["credited"].items()
    ]
    lines += [
        f"refunds recorded          {effects.get('refund.record', 0):>6}",
        f"parcels confirmed         {effects.get('returngo.receive', 0):>6}",
        f"stock transfers created   {effects.get('transfer.create', 0):>6}",
        f"open exceptions           {sum(entry['count'] for entry in told['exceptions'].values()):>6}",
    ]
    lines += [
        f"  {owner:<14}{entry['count']:>4}  {_money(entry['money'])}"
        for owner, entry in sorted(told["exceptions"].items())
    ]
    proof = told["proof"]
    lines += [
        "",
        f"proof: {proof['posted_here']} posted credits here, {proof['posted_there']} posted credits of ours in Brightpearl, {proof['compared']} compared",
    ]
    lines += [f"  {difference}" for difference in proof["differences"]] or [
        "  net and tax agree to the penny, credit by credit"
    ]
    return [*lines, "", "next: make dev (the same world, alive, in the Dagster UI)"]


def _credited(connection: psycopg.Connection) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for _, currency, net, tax in connection.execute(_POSTED):
        entry = totals.setdefault(currency, {"credits": 0, "net_minor": 0, "tax_minor": 0})
        for name, value in (("credits", 1), ("net_minor", net), ("tax_minor", tax)):
            entry[name] += value
    return totals


def _exceptions(connection: psycopg.Connection) -> dict[str, dict[str, Any]]:
    owners: dict[str, dict[str, Any]] = {}
    for owner, code, currency, money in connection.execute(
        "SELECT owner, code, currency, coalesce(money_minor, 0) FROM exceptions_open ORDER BY owner, code"
    ):
        entry = owners.setdefault(owner, {"count": 0, "codes": Counter(), "money": Counter()})
        entry["count"] += 1
        entry["codes"][code] += 1
        if currency:
            entry["money"][currency] += int(money)
    return owners


def _proof(connection: psycopg.Connection, true_state: dict[str, Any]) -> dict[str, Any]:
    """Every credit that we posted against the same credit in Brightpearl's own state, and none there that is not here."""
    ours = {credit_id: (currency, net, tax) for credit_id, currency, net, tax in connection.execute(_POSTED)}
    references = {row[0] for row in connection.execute("SELECT remote_ref FROM effect WHERE kind = 'credit.raise'")}
    theirs = {
        credit["credit_id"]: (
            credit["currency"],
            to_minor(Decimal(credit["net"]), credit["currency"]),
            to_minor(Decimal(credit["tax"]), credit["currency"]),
        )
        for credit in true_state["brightpearl"]["credits"]
        if credit["external_ref"] in references
        and credit["invoice_reference"] not in ("", "pending")
        and not credit["is_cancelled"]
    }
    adopted = {
        row[0]
        for row in connection.execute(
            "SELECT remote_id::bigint FROM effect WHERE kind = 'credit.raise' AND confirmed_by = 'adopted'"
        )
    }
    differences = [
        f"credit {credit_id}: here {ours[credit_id]}, there {theirs[credit_id]}"
        for credit_id in sorted(set(ours) & set(theirs))
        if ours[credit_id] != theirs[credit_id]
    ]
    differences += [
        f"credit {credit_id} is posted here and not there" for credit_id in sorted(set(ours) - set(theirs) - adopted)
    ]
    differences += [f"credit {credit_id} is posted there and not here" for credit_id in sorted(set(theirs) - set(ours))]
    return {
        "posted_here": len(ours),
        "posted_there": len(theirs),
        "compared": len(set(ours) & set(theirs)),
        "differences": differences,
        "agrees": not differences,
    }


def _count(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _money(money: Counter[str]) -> str:
    return ", ".join(format_minor(minor, currency) for currency, minor in sorted(money.items())) or "no money at stake"
