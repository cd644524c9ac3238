"""Lets cases take turns: every case acts, the pipeline syncs once for all of them, every case goes on.

A case is a generator: `yield` means "and then the pipeline has worked". So all of them together cost as many syncs as the longest.
"""

from collections.abc import Callable, Generator

import pytest

from returns_pipeline_tests.scenarios.retailer import Retailer

Steps = Generator[None, None, None]
Script = Callable[[Retailer], Steps]


class Played:
    """What came of every case once all have ended."""

    def __init__(self) -> None:
        self._failures: dict[Script, Exception] = {}
        self._ended: set[Script] = set()

    def play(self, scripts: list[Script], retailer: Retailer) -> None:
        """Plays all cases in lockstep; a case that fails leaves the others alone."""
        under_way = {script: script(retailer) for script in scripts}
        while under_way := {script: steps for script, steps in under_way.items() if self._goes_on(script, steps)}:
            retailer.sync()

    def raise_failure_of(self, script: Script) -> None:
        """Ends quietly when the case went to its end, else raises what it raised."""
        if script in self._failures:
            raise self._failures[script]
        assert script in self._ended, f"{script.__name__} was not played to its end"

    def _goes_on(self, script: Script, steps: Steps) -> bool:
        try:
            next(steps)
        except StopIteration:
            self._ended.add(script)
            return False
        except Exception as failure:  # noqa: BLE001 - kept for the case's own test, which raises it
            self._failures[script] = failure
            return False
        return True


def in_lockstep(script: Script) -> Callable[[Played], None]:
    """Makes a test of a case; all chosen cases are played together when the first of them is asked for."""

    def test(played: Played) -> None:
        played.raise_failure_of(script)

    # One worker plays them all: with two, each would play every case.
    test = pytest.mark.xdist_group("scenarios")(test)
    test.__name__, test.__doc__, test.__module__ = script.__name__, script.__doc__, script.__module__
    test.script = script  # type: ignore[attr-defined]
    return test
