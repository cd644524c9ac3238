"""`drill restore`: a small world is backed up, loses a day with its whole database, and gets the backup back. It judges itself; nobody has to act.

What is judged is the sandbox's true state: the same credits as before the loss, each posted and paid once. Backing up itself is `storage/backup`'s.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from returns_pipeline.commands import drill, runtime, sandbox_process, summary
from returns_pipeline.commands import ledger as ledger_commands
from returns_pipeline.commands.answers import Answer
from returns_pipeline.commands.drill_stories import act
from returns_pipeline.commands.sandbox_process import Sandbox
from returns_pipeline.effects import restore
from returns_pipeline.storage import backup, database, embedded
from returns_pipeline.storage import ledger as books

_SEED = 7
_HOURS_UNTIL_SHIPPED, _HOURS_UNTIL_BOOKED_IN = 24, 24


@dataclass(frozen=True)
class Returned:
    """One return of the small world, and what the customer paid for it."""

    order_id: int
    rma_id: int
    paid: Decimal


def run(say: Callable[[str], None]) -> Answer:
    """Plays the drill from the backup to the proof; 0 when nothing was written twice and both sides agree to the penny.

    Raises:
        SandboxDown, ServerNotStarted, BackupFailed: the drill could not be played to its end.
    """
    folder, begin = drill.world_folder(), time.monotonic()
    drill.stop()
    folder.mkdir(parents=True, exist_ok=True)
    say("setting the small world up ...")
    try:
        with sandbox_process.running(seed=_SEED) as sandbox:
            drill.prepared(sandbox, (), folder)
            told = _played(sandbox, folder, say)
    finally:
        embedded.stop(folder / "postgres")
    told["seconds"] = round(time.monotonic() - begin, 1)
    return Answer(_in_words(told), told, status=1 if told["faults"] else 0)


def _played(sandbox: Sandbox, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    dump = folder / "night.dump"
    dump.unlink(missing_ok=True)
    first, second = _bought(sandbox), _bought(sandbox)
    returned = [_approved(sandbox, first)]
    drill.one_pass()
    size = backup.write(database.database_url(), dump)
    say("backed up; the day goes on ...")
    returned.append(_approved(sandbox, second))
    _comes_back(sandbox, returned[0])
    drill.one_pass()
    lost = _credits(sandbox.get("/state"), returned)
    say("the database is lost, and the backup put back ...")
    embedded.renew(folder / "postgres", keep_running=True)
    backup.restore(database.database_url(), dump)
    told: dict[str, Any] = {
        "backup_bytes": size,
        "backup_sha256": hashlib.sha256(dump.read_bytes()).hexdigest(),
        "lost": [{"credit_id": credit_id, "is_posted": is_posted} for credit_id, is_posted in lost],
    }
    return told | _reconciled(sandbox, returned, lost)


def _reconciled(sandbox: Sandbox, returned: Sequence[Returned], lost: Sequence[tuple[int, bool]]) -> dict[str, Any]:
    """Settles, lets the pipeline go on with the second return, and proves what stands."""
    runtime.prepare(keep_running=True)
    with database.connect() as connection:
        is_noticed = restore.refusal(connection) is not None
    settled: Any = ledger_commands.settle().data
    drill.one_pass()
    _comes_back(sandbox, returned[1])
    drill.one_pass(until_idle=True)
    state = sandbox.get("/state")
    with database.connect() as connection:
        broken, head = books.verify(connection), books.head(connection)
    proof = summary.gather(state)["proof"]
    faults = [*judge(state, returned, lost), *proof["differences"], *settled["unread"]]
    faults += [] if is_noticed else ["nobody noticed that the database is an older one: writers would have gone on"]
    faults += [] if broken is None else [f"the audit chain is broken at row {broken}"]
    return {
        "is_noticed": is_noticed,
        "settled": settled["by_state"],
        "proof": proof,
        "audit_head": str(head),
        "faults": faults,
    }


def _bought(sandbox: Sandbox) -> Mapping[str, Any]:
    bought: Mapping[str, Any] = act(sandbox, "customer", "buy", shop="uk", shape="single")
    sandbox.post("/advance", {"hours": _HOURS_UNTIL_SHIPPED})
    return bought


def _approved(sandbox: Sandbox, order: Mapping[str, Any]) -> Returned:
    made = act(sandbox, "customer", "request_return", order_name=order["order_name"])
    act(sandbox, "cx", "approve", rma_id=made["rma_id"])
    (rma,) = [each for each in sandbox.get("/state")["returngo"]["rmas"] if each["rma_id"] == made["rma_id"]]
    paid = sum((Decimal(str(item["paid"])) for item in rma["items"]), Decimal())
    return Returned(order["order_id"], made["rma_id"], paid)


def _comes_back(sandbox: Sandbox, returned: Returned) -> None:
    for actor, verb in (("carrier", "ship"), ("carrier", "deliver"), ("warehouse", "receive")):
        act(sandbox, actor, verb, rma_id=returned.rma_id)
    sandbox.post("/advance", {"hours": _HOURS_UNTIL_BOOKED_IN})


def _credits(state: Mapping[str, Any], returned: Sequence[Returned]) -> list[tuple[int, bool]]:
    """Number of every credit of these returns, cancelled ones too, and whether it is posted."""
    orders = {each.order_id for each in returned}
    return [
        (credit["credit_id"], credit["invoice_reference"] not in ("", "pending"))
        for credit in state["brightpearl"]["credits"]
        if credit["order_id"] in orders
    ]


def judge(state: Mapping[str, Any], returned: Sequence[Returned], lost: Sequence[tuple[int, bool]]) -> list[str]:
    """What is there twice, is missing or has another amount than the customer paid, once all is restored and settled.

    Args:
        state: the sandbox's true state.
        returned: what came back.
        lost: number of each credit when the database was lost, and whether it was posted then.
    """
    faults = []
    if [is_posted for _, is_posted in lost] != [True, False]:
        faults.append(f"the lost day was to post one credit and to raise another; it left {list(lost)}")
    found = _credits(state, returned)
    if found != [(credit_id, True) for credit_id, _ in lost]:
        faults.append(f"credits {[number for number, _ in lost]} were to stand, each posted; found {found}")
    paid = {each.order_id: each.paid for each in returned}
    for credit in state["brightpearl"]["credits"]:
        if credit["order_id"] in paid:
            faults += _amounts_that_differ(state, credit, paid[credit["order_id"]])
    return faults


def _amounts_that_differ(state: Mapping[str, Any], credit: Mapping[str, Any], paid: Decimal) -> list[str]:
    payments = [each["amount"] for each in state["brightpearl"]["payments"] if each["order_id"] == credit["credit_id"]]
    if Decimal(credit["gross"]) == paid and [Decimal(amount) for amount in payments] == [paid]:
        return []
    return [f"credit {credit['credit_id']} is {credit['gross']} with payments {payments}; the customer paid {paid}"]


def _in_words(told: Mapping[str, Any]) -> list[str]:
    proof = told["proof"]
    lost = ", ".join(f"{each['credit_id']} {'posted' if each['is_posted'] else 'raised'}" for each in told["lost"])
    settled = ", ".join(f"{count} {state}" for state, count in told["settled"].items()) or "nothing stood open"
    return [
        f"backup: {told['backup_bytes']:,} bytes, SHA-256 {told['backup_sha256']}",
        f"lost with the database: credit {lost}",
        f"noticed that the database is an older one: {'yes, nothing is written before it is settled' if told['is_noticed'] else 'no'}",
        f"settled: {settled}",
        f"proof: {proof['posted_here']} posted credits here, {proof['posted_there']} in Brightpearl, {proof['compared']} compared",
        f"audit: {told['audit_head']}",
        *(f"wrong: {fault}" for fault in told["faults"]),
        f"{'failed' if told['faults'] else 'passed: nothing of the lost day was written twice, and both sides agree to the penny'} ({told['seconds']} s)",
    ]
