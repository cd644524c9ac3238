"""What a command answers: lines for people, data for scripts, an exit status. Printing is `cli/`'s."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """Lines for people, the same as data for `--json`, and 0 (fine) or 1 (found something)."""

    lines: list[str]
    data: object = field(default_factory=dict)
    status: int = 0
