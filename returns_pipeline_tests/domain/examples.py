"""Worked examples of sharing money and tax, from `tax_examples.json`. Assertions live in the tests that use them."""

import json
from pathlib import Path
from typing import Any

EXAMPLES: dict[str, dict[str, Any]] = {
    example["id"]: example for example in json.loads(Path(__file__).with_name("tax_examples.json").read_text("utf-8"))
}


def charged(example: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows of an example by their name."""
    return {line["line"]: line for line in example["lines"]}
