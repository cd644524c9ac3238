"""Jobs that people start from the launchpad: approve, resolve, record; and the two that keep house. The acts are in `stages` and `storage`."""

import datetime as dt

import dagster as dg

from returns_pipeline.defs import tidying
from returns_pipeline.defs.watched import watched_schedule
from returns_pipeline.effects import kinds
from returns_pipeline.effects.settle import settle
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import acting, approving
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database, evidence, ledger
from returns_pipeline.storage.ledger import approvals

# Half of what run_monitoring allows a run.
_MOST_SECONDS = 1_800.0


class ApprovalConfig(dg.Config):
    """Which batch is approved, and by whom; the name is asserted and recorded as such."""

    batch_sha256: str
    approved_by: str


class ResolutionConfig(dg.Config):
    """What is decided about one exception; `value` is JSON, such as {"sku": "A-1", "order_row_id": 17}."""

    exception_id: int
    action: str
    reason: str
    decided_by: str
    second_approver: str = ""
    value: str = "{}"


class InspectionConfig(dg.Config):
    """What the bench found about one unit."""

    rma_id: int
    returned_item_id: int
    result: str
    recorded_by: str
    reason: str = ""


@dg.op(description="Approves the batch of that hash; refused when anything in it changed since it was shown.")
def approve_batch(context: dg.OpExecutionContext, config: ApprovalConfig) -> None:
    """Approves one batch of postings."""
    settings = load_settings()
    try:
        with database.connect() as connection:
            batch = approving.of_hash(connection, settings, config.batch_sha256)
            proof = approving.in_words(connection, [batch])
            number = approvals.approve(connection, batch.effect_ids, config.approved_by, batch.sha256_hex)
    except approvals.ApprovalRefused as refusal:
        raise dg.Failure(f"refused, nothing was approved: {refusal}") from refusal
    context.log.info("\n".join([f"approved as batch {number}; the name {config.approved_by} is asserted", *proof]))


@dg.op(description="Decides about one exception with the same validation as the command line.")
def resolve_one(context: dg.OpExecutionContext, config: ResolutionConfig) -> None:
    """Carries out one act; one that does not fit changes nothing and fails the run with the reason."""
    try:
        value = acting.value_in(config.value)
        wanted = acting.Act(config.action, value, config.reason, config.decided_by, config.second_approver or None)
        with database.connect() as connection:
            context.log.info(acting.act(connection, load_settings(), config.exception_id, wanted))
    except acting.ActRefused as refusal:
        raise dg.Failure(f"refused, nothing was changed: {refusal}") from refusal


@dg.op(description="Records pass, damaged or write_off of one received unit.")
def record_one(context: dg.OpExecutionContext, config: InspectionConfig) -> None:
    """Records one inspection."""
    try:
        with database.connect() as connection:
            context.log.info(
                acting.record_inspection(
                    connection, config.rma_id, config.returned_item_id, config.result, config.reason, config.recorded_by
                )
            )
    except acting.ActRefused as refusal:
        raise dg.Failure(f"refused, nothing was recorded: {refusal}") from refusal


@dg.op(description="Looks up effects whose outcome is unknown. Only reads from the accounts.")
def look_up_unknown(context: dg.OpExecutionContext) -> None:
    """Settles what a look-up can settle; runs with gates closed and writers off."""
    settings = load_settings()
    accounts = Accounts(settings)
    try:
        with database.connect() as connection:
            report = settle(connection, accounts, kinds.IN_ORDER, settings)
    finally:
        accounts.close()
    context.log.info(f"settled {dict(report.by_state)}, still unknown {report.still_unknown}")


@dg.op(
    description="Deletes old successful runs and old evidence by the settings' retention, and proves the audit chain from its first row."
)
def keep_house(context: dg.OpExecutionContext) -> None:
    """Trends, failed runs, closes, the ledger and its audit stay."""
    retention = load_settings().retention
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=retention.run_days)
    tidying.keep_connections(context.instance)
    deleted = tidying.delete_runs(context.instance, before, _MOST_SECONDS)
    with database.connect() as connection:
        removed = evidence.remove_older(connection, retention.by_kind())
        broken, head = ledger.verify(connection), ledger.head(connection)
    context.log.info(
        f"deleted {deleted.runs} runs older than {retention.run_days} days{'' if deleted.is_all else ' (the rest next night)'} and evidence past its days, rows by kind {removed}; audit head {head}"
    )
    if broken is not None:
        raise dg.Failure(
            f"audit row {broken} was changed after it was written: set RETURNS_MODE to shadow until somebody has looked"
        )


@dg.job(description="Approve a batch of credits by its hash (see `postings list`).")
def approve_postings() -> None:
    """One approval."""
    approve_batch()


@dg.job(
    description="Decide about one exception: map_sku, accept_variance, keep_item, adopt_credit, retry, void, waive ..."
)
def resolve_exception() -> None:
    """One decision."""
    resolve_one()


@dg.job(description="Record the inspection of one received unit.")
def record_inspection() -> None:
    """One inspection."""
    record_one()


@dg.job(description="Look up effects whose outcome is unknown; needs no other step.")
def settle_effects() -> None:
    """One look."""
    look_up_unknown()


@dg.job(description="Keep runs and evidence inside their retention.")
def housekeeping() -> None:
    """One tidying."""
    keep_house()


@dg.schedule(job=housekeeping, cron_schedule="15 3 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
@watched_schedule
def housekeeping_schedule() -> dg.RunRequest:
    """Every night, after the sweep."""
    return dg.RunRequest()
