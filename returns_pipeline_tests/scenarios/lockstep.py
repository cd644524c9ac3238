"""Lets cases take turns: every case acts, the pipeline syncs once for all of them, every case goes on.

A case is a generator: `yield` means "and then the pipeline has worked". So all of them together cost as many syncs as the longest.
Cases under other settings are played with a retailer of their own, all cases of the same settings together.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from returns_pipeline_tests.scenarios.retailer import Retailer

Steps = Generator[None, None, None]
Script = Callable[[Retailer], Steps]


@dataclass(frozen=True)
class Arrangement:
    """How a retailer is set up.

    Attributes:
        changes: lines of the sandbox's settings, and what stands there instead.
        switches: what the two systems do otherwise than usual, by system.
    """

    name: str
    changes: Mapping[str, str] = field(default_factory=dict, hash=False)
    switches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)


USUAL = Arrangement("usual")


class Played:
    """What came of every case of one arrangement once all have ended."""

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


Play = Callable[[Arrangement], Played]


def in_lockstep(script: Script) -> Callable[[Play], None]:
    """Makes a test of a case under the usual settings; all chosen cases are played together when the first of them is asked for."""
    return under(USUAL)(script)


def under(arrangement: Arrangement) -> Callable[[Script], Callable[[Play], None]]:
    """Makes a test of a case under the settings of an arrangement."""

    def made(script: Script) -> Callable[[Play], None]:
        # One worker plays all cases of an arrangement: with two, each would play every case.
        @pytest.mark.xdist_group(arrangement.name)
        def test(play: Play) -> None:
            play(arrangement).raise_failure_of(script)

        test.__name__, test.__doc__, test.__module__ = script.__name__, script.__doc__, script.__module__
        test.script, test.arrangement = script, arrangement  # type: ignore[attr-defined]
        return test

    return made
