"""The `returns-pipeline` command: its words, its help and its exit status. What a sub-command does is in `commands/`."""

import argparse
import sys
from collections.abc import Sequence

from returns_pipeline.cli import operations, people, running
from returns_pipeline.cli.words import FOUND_SOMETHING, OK, USAGE

__all__ = ["FOUND_SOMETHING", "OK", "USAGE", "main", "parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one sub-command; 0 did its work, 1 found something or could not go on, 2 wrong usage."""
    chosen = parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return FOUND_SOMETHING
    except _expected_refusals() as refusal:
        print(f"returns-pipeline: {refusal}", file=sys.stderr)
        return FOUND_SOMETHING
    return status


def _expected_refusals() -> tuple[type[Exception], ...]:
    from returns_pipeline.commands.refusals import REFUSALS

    return REFUSALS


def parser() -> argparse.ArgumentParser:
    """Every word of the command line."""
    built = argparse.ArgumentParser(
        prog="returns-pipeline", description="Returns from ReturnGo to credits and stock in Brightpearl."
    )
    commands = built.add_subparsers(title="commands", required=True, metavar="COMMAND")
    running.add_demo(commands)
    running.add_drill(commands)
    running.add_sync(commands)
    people.add_people(commands)
    operations.add_operations(commands)
    return built
