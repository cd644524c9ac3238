"""The picture of the asset graph, drawn from the definitions. The words of the other generated pages are in `generate.py`.

Assets flow from top to bottom, in a band per stage. A new asset needs a place in `PLACES`; its arrows follow by themselves.
"""

import html
from collections.abc import Iterable, Mapping, Sequence

from dagster import AssetSpec

Point = tuple[float, float]

STAGES: Mapping[str, tuple[str, str, str]] = {
    "ingest": ("#f2f7fe", "#2563eb", "what both systems say"),
    "match": ("#f0faf4", "#15803d", "what belongs together"),
    "decide": ("#fefaea", "#a16207", "what should be done"),
    "write": ("#fef3f2", "#b91c1c", "what is really done"),
    "reconcile": ("#f6f3fe", "#6d28d9", "what does not meet"),
}
# Row from the top, column from the left.
PLACES: Mapping[str, Point] = {
    "returngo/return_items": (0, 0),
    "returngo/rmas": (0, 2),
    "brightpearl/sales_orders": (1, 2),
    "brightpearl/products": (2, 1),
    "brightpearl/sales_credits": (2, 3),
    "brightpearl/goods_in": (3, 2),
    "returngo/transactions": (3, 4),
    "returns/return_lines": (4, 1),
    "returns/receipts": (5, 2),
    "returns/transfer_proposals": (6, 0),
    "returns/credit_proposals": (6, 3),
    "brightpearl/stock_transfers": (7, 0),
    "brightpearl/expected_returns": (7, 3),
    "brightpearl/posted_credits": (8, 3),
    "returngo/receipt_confirmations": (9, 3),
    "returns/exceptions": (10.3, 1),
    "finance/three_way_match": (10.3, 3),
    "operations/health": (10.3, 4),
    "finance/month_end_close": (11.3, 3),
}
# Columns in which an arrow runs down past boxes that it has nothing to do with; every other arrow goes straight.
LANES: Mapping[tuple[str, str], float] = {
    ("returngo/return_items", "returns/return_lines"): 0.3,
    ("returngo/return_items", "returns/transfer_proposals"): 0,
    ("returngo/rmas", "returngo/transactions"): 4,
    ("brightpearl/sales_orders", "returns/return_lines"): 1.5,
    ("brightpearl/sales_credits", "returns/receipts"): 2.85,
    ("brightpearl/sales_credits", "returns/credit_proposals"): 3,
    ("returns/return_lines", "returns/credit_proposals"): 1,
}
_WIDTH, _HEIGHT, _COLUMN, _ROW = 170, 42, 200, 78
_LEFT, _TOP, _BAND_PADDING = 124, 8, 15
_LINE, _INK, _GREY = "#8795a9", "#0f172a", "#64748b"


def graph_svg(specs: Iterable[AssetSpec]) -> str:
    """The asset graph as an SVG: a band per stage, a box per asset, an arrow per dependency.

    Raises:
        KeyError: an asset has no place in `PLACES`.
    """
    shown = {spec.key.to_user_string(): spec for spec in specs}
    homeless = sorted(set(shown) - set(PLACES))
    if homeless:
        raise KeyError(f"docs/picture.py: write a place in PLACES for {', '.join(homeless)}")
    width = _LEFT + _COLUMN * 4 + _WIDTH + 24
    height = _top(max(PLACES[name][0] for name in shown)) + _HEIGHT + _BAND_PADDING + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" '
        'font-family="system-ui, -apple-system, Segoe UI, DejaVu Sans, sans-serif" role="img">',
        "<title>The asset graph of returns_pipeline</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7.4" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 .6 7.6 4 0 7.4z" fill="{_LINE}"/></marker></defs>',
        f'<rect width="{width}" height="{height:g}" fill="#ffffff"/>',
        *_bands(shown, width),
        f'<g fill="none" stroke="{_LINE}" stroke-width="1.4" stroke-linejoin="round">',
        *_arrows(shown),
        "</g>",
        *(_box(name, spec.group_name or "") for name, spec in sorted(shown.items())),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _bands(shown: Mapping[str, AssetSpec], width: int) -> list[str]:
    parts = []
    for stage, (fill, colour, meaning) in STAGES.items():
        rows = [PLACES[name][0] for name, spec in shown.items() if spec.group_name == stage]
        top = _top(min(rows)) - _BAND_PADDING
        tall = _top(max(rows)) + _HEIGHT + _BAND_PADDING - top
        words = meaning.split(" ")
        parts += [
            f'<rect x="8" y="{top:g}" width="{width - 16}" height="{tall:g}" rx="12" fill="{fill}"/>',
            f'<text x="22" y="{top + 28:g}" font-size="16" font-weight="700" fill="{colour}">{stage}</text>',
            *(
                f'<text x="22" y="{top + 28 + 15 * line:g}" font-size="11" fill="{_GREY}">{" ".join(part)}</text>'
                for line, part in enumerate((words[:2], words[2:]), start=1)
            ),
        ]
    return parts


def _arrows(shown: Mapping[str, AssetSpec]) -> list[str]:
    """One path per dependency; readers of all the writers share one line, which is drawn once."""
    reads = {name: tuple(sorted(dep.asset_key.to_user_string() for dep in spec.deps)) for name, spec in shown.items()}
    writers = tuple(sorted(name for name, spec in shown.items() if spec.group_name == "write"))
    of_all_writers = sorted(name for name, deps in reads.items() if deps == writers)
    single = [(dep, name) for name, deps in sorted(reads.items()) if name not in of_all_writers for dep in deps]
    return [*(_arrow(*pair) for pair in single), *_shared_line(writers, of_all_writers)]


def _arrow(source: str, target: str) -> str:
    (from_row, from_column), (to_row, to_column) = PLACES[source], PLACES[target]
    lane = LANES.get((source, target))
    start = (_middle(from_column) + _aside(from_column, to_column if lane is None else lane), _top(from_row) + _HEIGHT)
    end = (_middle(to_column) + _aside(to_column, from_column if lane is None else lane), _top(to_row))
    if lane is None or to_row - from_row < 2:  # noqa: PLR2004 - neighbours
        return _path([start, end])
    x = _middle(lane)
    return _path([start, (x, _top(from_row + 1)), (x, _top(to_row - 1) + _HEIGHT), end])


def _shared_line(writers: Sequence[str], readers: Sequence[str]) -> list[str]:
    """Each writer runs down to one level line, from which an arrow goes to each reader."""
    if not readers:
        return []
    bus = _top(min(PLACES[name][0] for name in readers)) - _BAND_PADDING - 12
    ends, parts = [_middle(PLACES[name][1]) for name in readers], []
    for name in writers:
        row, column = PLACES[name]
        below = [other for other in writers if PLACES[other][1] == column and PLACES[other][0] > row]
        x = _middle(column) - (_WIDTH / 2 + 10 + 8 * len(below) if below else 0)
        ends.append(x)
        y = _top(row) + _HEIGHT
        side, level = _middle(column) - _WIDTH / 2, y - _HEIGHT / 2
        way = f"M{side:g} {level:g}H{x + 6:g}Q{x:g} {level:g} {x:g} {level + 6:g}" if below else f"M{x:g} {y:g}"
        parts.append(f'<path d="{way}V{bus:g}"/>')
    parts.append(f'<path d="M{min(ends):g} {bus:g}H{max(ends):g}"/>')
    for name in readers:
        x = _middle(PLACES[name][1])
        parts.append(f'<path d="M{x:g} {bus:g}V{_top(PLACES[name][0]):g}" marker-end="url(#tip)"/>')
    return parts


def _path(points: Sequence[Point]) -> str:
    """A curve that leaves and enters every point straight down."""
    text = f"M{points[0][0]:g} {points[0][1]:g}"
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        middle = (y1 + y2) / 2
        text += f"V{y2:g}" if x1 == x2 else f"C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}"
    return f'<path d="{text}" marker-end="url(#tip)"/>'


def _box(name: str, stage: str) -> str:
    row, column = PLACES[name]
    x, y, middle = _middle(column) - _WIDTH / 2, _top(row), _middle(column)
    system, table = name.split("/")
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#ffffff" stroke="{STAGES[stage][1]}" stroke-opacity=".55"/>'
        f'<text x="{middle:g}" y="{y + 16:g}" text-anchor="middle" font-size="10.5" fill="{_GREY}">{html.escape(system)}</text>'
        f'<text x="{middle:g}" y="{y + 32:g}" text-anchor="middle" font-size="13" font-weight="600" fill="{_INK}">{html.escape(table)}</text>'
    )


def _aside(here: float, there: float) -> float:
    # Arrows to the left leave and arrive left of the middle, so that they do not cover each other.
    return 0 if there == here else 26 if there > here else -26


def _middle(column: float) -> float:
    return _LEFT + column * _COLUMN + _WIDTH / 2


def _top(row: float) -> float:
    return _TOP + row * _ROW + _BAND_PADDING
