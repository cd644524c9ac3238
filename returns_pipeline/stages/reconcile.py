"""Holds returns, receipts, credits and money against each other, and measures the pipeline itself. Months are closed by `closing`."""

import datetime as dt
import os
from functools import partial

import pandas as pd

from returns_pipeline.domain import three_way
from returns_pipeline.domain.credit_rows import foreign_facts
from returns_pipeline.domain.doubles import double_credits
from returns_pipeline.domain.findings import findings_from_match
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages import standing_in, unmoved, verdicts
from returns_pipeline.stages.drift import find_drift
from returns_pipeline.stages.gatekeeping import Batch, commit
from returns_pipeline.stages.parts import PARTS
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.reading import Frames
from returns_pipeline.stages.recording import judged_rmas, observe
from returns_pipeline.stages.report import StageReport, Verdict, total_of
from returns_pipeline.storage import coverage, frames, heartbeats, ledger, measures, quota_days

# Lines on which goods-in and credit have met; their share is what the match covers, over all shops together.
_MET = ("complete", "credited")


def match_three_ways(stage_pass: Pass) -> StageReport:
    """Every open return line beside goods-in, credit and money; `returns.finance_three_way_match`."""
    report = total_of(
        unmoved.judged(stage_pass, "reconcile:match", [shop], partial(_match_shop, stage_pass, shop))
        for shop in stage_pass.shops
    )
    matched, met = report.counts["rows"], sum(report.counts[f"lines_{state}"] for state in _MET)
    report.counts["coverage_percent_of_lines"] = 100 * met // matched if matched else 100
    for (name, currency), expected in sorted(report.money.items()):
        if name == "expected_gross" and expected:
            report.counts[f"coverage_percent_of_money_{currency}"] = (
                100 * report.money[("met_gross", currency)] // expected
            )
    return report


def gather_exceptions(stage_pass: Pass) -> StageReport:
    """What is open now, by owner and money; the exceptions themselves were recorded where they were found."""
    heartbeats.beat(stage_pass.connection, PARTS["returns_sync"])
    return total_of(
        unmoved.judged(stage_pass, "reconcile:exceptions", [shop], partial(_gather_shop, stage_pass, shop))
        for shop in stage_pass.shops
    )


def _gather_shop(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    report = StageReport()
    shown = frames.read(stage_pass.connection, "returns/exceptions", scope="all", shop=shop.label)
    report.counts["open"] = len(shown)
    report.counts.update({f"open_{owner}": len(group) for owner, group in shown.groupby("owner")})
    report.counts["overdue"] = int(shown["is_overdue"].fillna(value=False).sum())
    report.add_money("at_stake", shown.dropna(subset=["currency", "money_minor"]), "money_minor")
    oldest = shown.sort_values("first_seen_at").head(10)
    report.offenders = [
        (row["code"], f"{row['subject_type']} {row['subject_id']}") for row in oldest.to_dict("records")
    ]
    return report


def measure_health(stage_pass: Pass) -> StageReport:
    """Heartbeats, quota, oldest gap and unanswered effects, as rows that people and monitors read."""
    heartbeats.expect(stage_pass.connection, PARTS.values())
    heartbeats.beat(stage_pass.connection, PARTS["pipeline_health"])
    measured = measures.measure(stage_pass.connection, stage_pass.settings, stage_pass.now)
    # What is no longer measured, such as a gate that opened, must not stand there as it was.
    shops = ["", *(shop.label for shop in stage_pass.settings.shops)]
    frames.upsert(stage_pass.connection, "operations/health", measured, replace_within=("shop", shops))
    report = StageReport()
    report.counts.update({f"measures_{state}": len(group) for state, group in measured.groupby("state")})
    report.notes = [row["message"] for row in measured[measured["state"] != "ok"].to_dict("records")]
    # Dagster's event log keeps it where no hand on our tables reaches.
    days = quota_days.read_all(stage_pass.connection, stage_pass.settings, os.environ)
    quota_days.keep(stage_pass.connection, days)
    report.tables["returngo_day"] = [{"key": day.key, **row} for day in days for row in quota_days.by_purpose(day)]
    report.facts["audit_head"] = str(ledger.head(stage_pass.connection))
    _judge_health(stage_pass, measured, report)
    report.notes += standing_in.tell_of_silent_alerters(stage_pass)
    return report


def _judge_health(stage_pass: Pass, measured: pd.DataFrame, report: StageReport) -> None:
    measures_of = measured["measure"].str
    is_heart, is_gate = measures_of.startswith("heartbeat of "), measures_of.startswith("gate of ")
    for name, rows, step in (
        (
            "every_part_is_heard_from",
            measured[is_heart],
            "Look whether the Dagster daemon runs, and at the part's last tick.",
        ),
        ("every_gate_is_open", measured[is_gate], "Read the reason; the next batch that fits opens the gate."),
        (
            "every_writer_may_write",
            measured[measures_of.startswith("writing to ")],
            "Mend what the reason names; writing begins again by itself once the account answers a read.",
        ),
        (
            "returns_come_as_on_other_days",
            measured[measured["measure"] == "returns asked for in 24 hours"],
            "Look into ReturnGo whether it is so quiet; if not, look at the key's shop and at the last runs of returns_sync.",
        ),
        (
            "goods_come_as_on_other_days",
            measured[measured["measure"] == "goods-in lines booked in 24 hours"],
            "Ask the warehouse whether nothing came; if something did, run full_sweep and look at the last runs of returns_sync.",
        ),
        (
            "returngo_calls_last_the_day",
            measured[measured["measure"] == measures.RETURNGO_CALLS],
            "See returns.quota_days for what takes the calls; ask ReturnGo for more, or let the backlog pass.",
        ),
        (
            "the_audit_chain_holds",
            measured[measured["measure"] == "audit chain"],
            "Send nothing before somebody has looked at the row named.",
        ),
    ):
        bad = rows[rows["state"] != "ok"]
        offenders = tuple((row["measure"], row["message"], step) for row in bad.to_dict("records"))
        verdicts.give(stage_pass, report, Verdict(name, len(rows), len(bad), offenders))


def _match_shop(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    read = Frames(stage_pass, shop)
    standing = read.standing()
    credits, credit_rows = read["brightpearl/sales_credits"], read["brightpearl_sales_credit_rows"]
    foreign = foreign_facts(credits, credit_rows, standing, set())
    matched = three_way.three_way_match(
        read["returns/return_lines"], read["returns/receipts"], standing, credits, credit_rows, read["brightpearl_sales_order_rows"], foreign, read.ledger_lines(),
        read.effects(), read["returngo/transactions"], shop, dt.timedelta(days=stage_pass.settings.sla.announced_not_arrived_days), stage_pass.now,
    )  # fmt: skip
    rma_ids = read["returngo/rmas"]["rma_id"].tolist()
    report = commit(
        stage_pass,
        shop.label,
        "reconcile:schema",
        [Batch("finance_three_way_match", matched, "return_line", "return_line_id", parents=("rma_id", rma_ids))],
    )
    coverage.keep_once_a_day(
        stage_pass.connection, shop.label, stage_pass.now.astimezone(shop.zone).date(), again=stage_pass.scope.is_sweep
    )
    found = findings_from_match(matched, pays_ahead=shop.policy.credit_ahead_of_receipt) + double_credits(
        foreign, standing, credits, shop.label
    )
    report.merge(observe(stage_pass, "reconcile:match", shop.label, found, judged_rmas(stage_pass)))
    report.merge(find_drift(stage_pass, shop, read, matched, foreign))
    report.counts.update({f"lines_{state}": int(count) for state, count in matched["state"].value_counts().items()})
    with_currency = matched.dropna(subset=["currency"])
    gross = with_currency.assign(
        expected=(with_currency["expected_net_minor"] + with_currency["expected_tax_minor"]).fillna(0).astype("int64"),
        met=(with_currency["credited_net_minor"] + with_currency["credited_tax_minor"]).where(
            with_currency["state"].isin(_MET), 0
        ),
    )
    report.add_money("expected_gross", gross, "expected")
    report.add_money("met_gross", gross, "met")
    report.add_money("credited_net", with_currency, "credited_net_minor")
    report.add_money("credited_tax", with_currency, "credited_tax_minor")
    report.add_money("refunded", with_currency, "refunded_minor")
    return report
