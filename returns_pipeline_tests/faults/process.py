"""A worker process for drills: drains once and prints what it did, unless it dies on the way."""

import dataclasses
import json
import os

from returns_pipeline.effects.runner import Runner
from returns_pipeline.effects.stopping import deferred
from returns_pipeline.settings import load_settings
from returns_pipeline_tests.faults.drills import KINDS, TestAccounts


def main() -> None:
    """One drain on the account and the database that the environment names."""
    settings = load_settings()
    accounts = TestAccounts(os.environ["DRILL_BASE_URL"], settings.ledger.request_deadline_seconds)
    with deferred() as asked_to_stop:
        report = Runner(accounts, settings, worker=f"process {os.getpid()}", stop=asked_to_stop).drain(KINDS)
        print(json.dumps(dataclasses.asdict(report)), flush=True)  # noqa: T201 - the drill reads it


if __name__ == "__main__":
    main()
