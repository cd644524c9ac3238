"""Whether a stage must judge again. Most ticks find nothing new; then the last judgement stands, and is told as it was.

It stands while no watched row has moved (facts, decisions, the ledger, gates), settings and code are the same, and its time is not over: verdicts also
move with the clock, at the latest after `[judging] again_after_minutes`, at a shop's midnight (days, tax dates) and at each hour of `[transfers] at`.
What is asked of the two accounts does not rest on this: changes are looked for in every pass.
"""

import datetime as dt
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import returns_pipeline
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import judgements


def judged(
    stage_pass: Pass,
    stage: str,
    shops: Sequence[ShopSettings],
    judge: Callable[[], StageReport],
    *,
    may_stand: bool = True,
    is_kept: Callable[[StageReport], bool] = lambda _: True,
) -> StageReport:
    """The stage's last report where it stands, else what `judge` answers now.

    A sweep and a run about single returns always judge.

    Args:
        stage_pass: the pass at work.
        stage: the stage's name, a key of its own.
        shops: those judged together.
        judge: reads everything it rests on through the pass's connection, after this call began.
        may_stand: the caller's own reason to judge, such as writes that are due.
        is_kept: whether a report may stand for later passes.
    """
    if stage_pass.scope.is_sweep or stage_pass.scope.rma_ids:
        return judge()
    connection, now = stage_pass.connection, stage_pass.now
    labels, basis = ",".join(shop.label for shop in shops), _basis(stage_pass.settings)
    look = judgements.look(connection, stage, labels, basis, now)
    if may_stand and look.report is not None and look.judged_at is not None:
        report = StageReport.from_json(look.report)
        since = look.judged_at.astimezone(shops[0].zone)
        report.notes.append(f"{labels}: nothing has moved since {since:%H:%M}, so that it stands as judged then")
        return report
    report = judge()
    if is_kept(report):
        until = _holds_until(stage_pass.settings, shops, now)
        judgements.keep(connection, stage, labels, basis, look.seen, now, until, report.as_json())
    return report


def _holds_until(settings: Settings, shops: Sequence[ShopSettings], now: dt.datetime) -> dt.datetime:
    moments = [now + dt.timedelta(minutes=settings.judging.again_after_minutes)]
    for shop in shops:
        today = now.astimezone(shop.zone).date()
        hours = [dt.datetime.combine(today, dt.time.fromisoformat(at), tzinfo=shop.zone) for at in shop.transfers.at]
        midnight = dt.datetime.combine(today + dt.timedelta(days=1), dt.time.min, tzinfo=shop.zone)
        moments += [midnight, *(hour for hour in hours if hour > now)]
    return min(moments)


def _basis(settings: Settings) -> str:
    return hashlib.sha256(f"{_code()} {settings!r}".encode()).hexdigest()


@functools.cache
def _code() -> str:
    """The package as it is installed: a rule that was changed, by us or by the data team, judges anew."""
    folder = Path(returns_pipeline.__file__).parent
    read = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        read.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return read.hexdigest()
