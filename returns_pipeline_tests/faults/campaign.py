"""The long campaign: thousands of random sequences against the sandbox, and a JSON summary of what was injected and what broke.

`make faults` runs it: `python -m returns_pipeline_tests.faults.campaign --sequences 10000 --minutes 60`. Not part of the suite.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from returns_pipeline.settings import load_settings
from returns_pipeline.storage import database, embedded, migrate
from returns_pipeline_tests.conftest import url_of
from returns_pipeline_tests.faults.invariants import Broken, Observer
from returns_pipeline_tests.faults.simulation import SETTINGS, Simulation
from returns_pipeline_tests.faults.steps import Sequence
from returns_pipeline_tests.storage.ledger import books

_SEQUENCES_OF_A_WORLD = 50  # a world that grows for ever makes every search slower
_MOST_BROKEN = 10
_TEMPLATE = "campaign_template"


def main() -> int:
    """Plays sequences until the number or the time is reached; 1 when an invariant was broken."""
    parser = argparse.ArgumentParser(description="Random fault sequences against the whole writer.")
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="the first sequence's; a fresh one by default")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if chosen.seed is None else chosen.seed
    with server() as url:
        summary = campaign(url, seed, chosen.sequences, chosen.minutes * 60)
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 1 if summary["broken"] else 0


@contextmanager
def server() -> Iterator[str]:
    """A Postgres of its own, with a migrated database to clone."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RETURNS_HOME"] = folder
        url = embedded.ensure_started(Path(folder) / "postgres")
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    connection.execute(f"ALTER SYSTEM SET {setting} = off")
                connection.execute("SELECT pg_reload_conf()")
                connection.execute(f"CREATE DATABASE {_TEMPLATE}")
            migrate.upgrade(url_of(url, _TEMPLATE))
            yield url
        finally:
            embedded.stop(Path(folder) / "postgres")


def campaign(url: str, seed: int, sequences: int, seconds: float) -> dict[str, Any]:
    """Plays that many sequences, at most for so long; half of the worlds with the dedupe key proven."""
    started = time.monotonic()
    played, credits, writes = 0, 0, 0
    injected: Counter[str] = Counter()
    broken: list[dict[str, Any]] = []
    while played < sequences and time.monotonic() - started < seconds and len(broken) < _MOST_BROKEN:
        first = seed + played
        with world(url, first, "proven" if played // _SEQUENCES_OF_A_WORLD % 2 else "unproven") as simulation:
            observer = Observer(simulation)
            for number in range(first, first + min(_SEQUENCES_OF_A_WORLD, sequences - played)):
                failure = play(simulation, observer, number)
                played += 1
                if failure:
                    broken.append({"seed": number, "world": first, "what": failure})
                    break
                if time.monotonic() - started >= seconds:
                    break
            injected += simulation.injected
            credits += len(simulation.standing())
            writes += observer.writes
        if played // 500 != (first - seed) // 500:
            sys.stderr.write(f"{played} sequences, {injected.total()} faults, {len(broken)} broken\n")
    return {
        "sequences": played,
        "seed": seed,
        "seconds": round(time.monotonic() - started),
        "faults": injected.total(),
        "faults_by_kind": dict(injected.most_common()),
        "writes": writes,
        "credits": credits,
        "duplicates": sum(failure["what"].startswith(("I01", "I02", "I03", "I14")) for failure in broken),
        "losses": sum(failure["what"].startswith(("I10", "I11")) for failure in broken),
        "broken": broken,
    }


def play(simulation: Simulation, observer: Observer, seed: int) -> str | None:
    """Plays the sequence of that seed; what broke, or None."""
    try:
        Sequence(simulation, observer, seed).play()
    except Broken as failure:
        return str(failure)
    return None


@contextmanager
def world(url: str, seed: int, dedupe: str) -> Iterator[Simulation]:
    """A simulation with a database and an account of its own."""
    name = f"world_{seed}"
    settings_file = Path(os.environ["RETURNS_HOME"]) / f"{dedupe}.toml"
    settings_file.write_text(SETTINGS.format(dedupe=dedupe))
    settings = load_settings({"RETURNS_SETTINGS": str(settings_file), "RETURNS_MODE": "live"})
    (Path(os.environ["RETURNS_HOME"]) / "ledger-head").unlink(missing_ok=True)
    with psycopg.connect(url, autocommit=True) as server_connection:
        server_connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
        with database.connect(url_of(url, name)) as connection:
            books.open_gates(connection)
            simulation = Simulation(connection, settings, seed, url_of(url, name))
            try:
                yield simulation
            finally:
                simulation.close()
        server_connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    sys.exit(main())
