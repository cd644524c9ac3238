"""Sends on what a writer left when its time was over, while the next pass reads and judges; yields to that pass's writer. No planning.

What it sends was judged by the pass that has just ended, and its guards look once more; it is as if that pass's writer had had a little more time.
"""

from collections.abc import Callable

from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.effects import kinds
from returns_pipeline.effects.clock import Clock, SystemClock
from returns_pipeline.effects.runner import Runner, lock_of
from returns_pipeline.effects.sinks import Accounts
from returns_pipeline.settings import Settings, live_kinds
from returns_pipeline.storage import database, locks

# So long at most another writer waits for this one's next look.
_LOOK_SECONDS = 0.5


class Turns:
    """Whether an account is still this process's to write to: nobody asked it to stop, and no other writer waits.

    `has_yielded`: another writer waited since this was last set to false.
    """

    def __init__(self, settings: Settings, asked_to_stop: Callable[[], bool], clock: Clock | None = None) -> None:
        sinks = {kinds.sink_of(kind, shop.label) for shop in settings.shops for kind in live_kinds(settings, shop)}
        self._locks = sorted(lock_of(sink) for sink in sinks)
        self._asked_to_stop, self._clock = asked_to_stop, clock or SystemClock()
        self._looking = database.KeptConnection()
        self.has_yielded = False

    def are_over(self) -> bool:
        """Whether the call under way is to be the last."""
        if self._asked_to_stop():
            return True
        with self._looking.lend() as connection:
            is_wanted = locks.is_wanted(connection, self._locks)
        self.has_yielded |= is_wanted
        return is_wanted

    def sleep(self, seconds: float) -> None:
        """Waits for a turn in the account's minute.

        Raises:
            BudgetSpent: another writer wants it meanwhile.
        """
        ends_at = self._clock.monotonic() + seconds
        while (left := ends_at - self._clock.monotonic()) > 0:
            if self.are_over():
                raise BudgetSpent("the account is another writer's now: the rest stays planned for it")
            self._clock.sleep(min(left, _LOOK_SECONDS))

    def close(self) -> None:
        """Gives its connection back."""
        self._looking.close()


def carry_on(
    accounts: Accounts, settings: Settings, worker: str, turns: Turns, asked_to_stop: Callable[[], bool]
) -> int:
    """Drains between the turns of other writers until nothing is left that can be sent; answers how many effects were confirmed."""
    confirmed = 0
    while not asked_to_stop():
        turns.has_yielded = False
        report = Runner(accounts, settings, worker=worker, stop=turns.are_over).drain(kinds.IN_ORDER)
        confirmed += report.confirmed
        may_send_more = report.confirmed or report.is_kept_out or turns.has_yielded
        if not (report.left_planned and may_send_more):
            break
    return confirmed
