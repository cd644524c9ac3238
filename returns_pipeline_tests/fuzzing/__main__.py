"""`make fuzz`: draws inputs for every target in turn until the minutes are over; prints how many as JSON, ends with 1 at the first bug."""

import argparse
import json
import sys
import time

from hypothesis import HealthCheck, given, settings

from returns_pipeline_tests.fuzzing.targets import TARGETS, Target

_EXAMPLES_A_TURN = 500


def turn(target: Target) -> None:
    """So many new inputs; the first that breaks the reader is made small and raised."""

    @settings(
        max_examples=_EXAMPLES_A_TURN,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def judge(drawn: object) -> None:
        target.judge(drawn)

    judge()


def main() -> int:
    """Goes round the targets."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=10.0)
    ends_at = time.monotonic() + 60 * words.parse_args().minutes
    drawn = dict.fromkeys(TARGETS, 0)
    while time.monotonic() < ends_at:
        for name, target in TARGETS.items():
            try:
                turn(target)
            except Exception:
                print(json.dumps({"inputs": drawn, "broken": name}, indent=2))
                raise
            drawn[name] += _EXAMPLES_A_TURN
    print(json.dumps({"inputs": drawn, "broken": None}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
