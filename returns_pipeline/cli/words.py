"""How a sub-command gets its words, and how its answer is printed: its lines for people, its data for scripts. Which there are is told beside."""

import argparse
import json
import sys
from collections.abc import Callable

OK, FOUND_SOMETHING, USAGE = 0, 1, 2


def command(
    commands: argparse._SubParsersAction, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """A sub-command of that name which runs `run`; `text` is its help."""
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    added.set_defaults(run=run)
    return added


def show(answer: object, as_json: bool) -> int:
    """Prints an `Answer`: its lines for people or its data for scripts."""
    from returns_pipeline.commands.answers import Answer

    if not isinstance(answer, Answer):
        raise TypeError(f"a command must answer with an Answer, got {type(answer).__name__}")
    if as_json:
        print_json(answer.data)
    else:
        for line in answer.lines:
            print(line)
    return answer.status


def print_json(data: object) -> None:
    """Data for scripts, on the standard output."""
    print(json.dumps(data, indent=2, default=str))


def say_progress(line: str) -> None:
    """A line for whoever waits, beside the answer."""
    print(line, file=sys.stderr, flush=True)
