"""Where the time of a quiet sync goes: by what it is spent on, and by the functions of the pipeline. No bounds; the profiler itself slows what has many calls.

`python -m returns_pipeline_tests.benchmarks.profile [--open RETURNS] [--largest N]`
"""

import argparse
import cProfile
import json
import pstats
import sys
from collections import Counter

from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import history, season
from returns_pipeline_tests.benchmarks.calls import retailer

# The first that a file's path or a builtin's name contains.
_SPENT_ON = (
    ("psycopg2", "Dagster's record keeping: its statements"),
    ("sqlalchemy", "Dagster's record keeping: building statements"),
    ("dagster", "Dagster's own code"),
    ("psycopg", "our statements: sending, waiting, reading rows"),
    ("pandera", "frames and their checks"),
    ("pandas", "frames and their checks"),
    ("numpy", "frames and their checks"),
    ("json", "JSON"),
    ("requests", "calls to the two APIs"),
    ("urllib3", "calls to the two APIs"),
    ("http/", "calls to the two APIs"),
    ("_socket", "calls to the two APIs"),
    ("returns_pipeline", "the pipeline's own code"),
)
_OTHER = "Python's library and the rest"


def main() -> int:
    """Profiles one sync and prints the largest costs as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=season.ORIGINALS, help="how many returns are open")
    parser.add_argument("--largest", type=int, default=5, help="how many costs of each kind are told")
    chosen = parser.parse_args()
    profile, is_open = profiled(chosen.open)
    told = {
        "open_returns": is_open,
        "seconds": round(profile.total_tt, 2),  # type: ignore[attr-defined]
        "spent_on": dict(spent_on(profile).most_common(chosen.largest)),
        "functions": dict(functions(profile).most_common(chosen.largest)),
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 0


def profiled(open_returns: int) -> tuple[pstats.Stats, int]:
    """The profile of a sync where nothing moves, after two that filled the caches, and how many returns are open."""
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    with retailer({'posting = "automatic"': 'posting = "review"'}) as sandbox:
        url = database.database_url()
        history.make_room(url, history.ROOM)
        originals = season.begin(sandbox)
        if open_returns > len(originals):
            season.repeat(sandbox, originals, 1, open_returns // len(originals) - 1)
            history.settle_down(url)
        season.quieten()
        profiler = cProfile.Profile()
        result = profiler.runcall(sync, Scope())
        assert result.is_good, result.failed_steps
        assert not result.moved, result.counts
        with database.connect(url) as connection:
            ((is_open,),) = connection.execute("SELECT count(*) FROM returngo_rmas WHERE is_open").fetchall()
    return pstats.Stats(profiler), is_open


def spent_on(profile: pstats.Stats) -> Counter[str]:
    """Seconds by what they are spent on, each counted once; a builtin's belong to whoever called it, unless it waits for something itself."""
    seconds: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in profile.stats.items():  # type: ignore[attr-defined]
        if function[0] != "~" or _kind(function[2]) != _OTHER or not callers:
            seconds[_kind(function[2] if function[0] == "~" else function[0])] += own
            continue
        for caller, (_, _, own_there, _) in callers.items():
            seconds[_kind(caller[0])] += own_there
    return Counter({kind: round(spent, 2) for kind, spent in seconds.items()})


def functions(profile: pstats.Stats) -> Counter[str]:
    """Cumulated seconds of the storage's, clients' and domain's functions: a caller's hold those of what it calls."""
    seconds: Counter[str] = Counter()
    for (file, _, name), (_, _, _, cumulated, _) in profile.stats.items():  # type: ignore[attr-defined]
        _, found, module = file.partition("/returns_pipeline/")
        if found and module.startswith(("storage/", "clients/", "domain/", "schemas/")) and not name.startswith("<"):
            seconds[f"{module.removesuffix('.py')}.{name}"] += round(cumulated, 2)
    return seconds


def _kind(place: str) -> str:
    # The project's own folder may carry any of the names.
    _, found, module = place.rpartition("/returns_pipeline/")
    if found:
        return "the pipeline's own code"
    return next((kind for word, kind in _SPENT_ON if word in place.rpartition("site-packages/")[2]), _OTHER)


if __name__ == "__main__":
    sys.exit(main())
