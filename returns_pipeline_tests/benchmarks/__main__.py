"""`make bench`: runs the benchmarks, writes their figures as JSON, and ends with 1 when a bound is broken. The measuring is in the modules.

`python -m returns_pipeline_tests.benchmarks [NAME ...] [--output FILE]`
"""

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import sys
from pathlib import Path

BENCHMARKS = ("judging", "quiet", "calls", "growth", "housekeeping", "backlog", "latency")


def main() -> int:
    """Runs what was named, all when nothing was."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", default=[], metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all when none is named"
    )
    parser.add_argument("--output", type=Path, default=Path(".returns/bench.json"))
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    told = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }
    broken: list[str] = []
    for name in chosen.names or BENCHMARKS:
        benchmark = importlib.import_module(f"returns_pipeline_tests.benchmarks.{name}")
        told[name] = benchmark.figures()
        broken += [f"{name}: {words}" for words in benchmark.broken_bounds(told[name])]
        print(json.dumps({name: told[name]}), flush=True)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps(told | {"broken": broken}, indent=2) + "\n", encoding="utf-8")
    for words in broken:
        print(words, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
