"""The short run of the fuzzing; `make fuzz` goes on for minutes. The parsers' own short run is in `clients/test_any_json`."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from returns_pipeline_tests.fuzzing.targets import TARGETS, Target


@pytest.mark.parametrize(
    "name",
    [
        "list of refunds",
        "settings",
        "answer: price",
        "timeline of a return",
        "page of a search",
        "list of ReturnGo",
        "lists of the account",
    ],
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_person_or_a_system_writes_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """A trace tells the person nothing; a refusal names the row or the key and its mend."""
    TARGETS[name].judge(data.draw(TARGETS[name].inputs))


def test_a_reader_that_breaks_is_noticed() -> None:
    """Else the fuzzing would be quiet whatever happens."""
    target = Target(st.integers(), lambda drawn: 1 // drawn, (ValueError,))
    with pytest.raises(ZeroDivisionError):
        target.judge(0)
