"""Writes the generated documents: the picture of the graph, the data dictionary and the table of settings. `make docs` runs it.

A test holds the files in this folder against what this script would write today.
"""

import html
import re
from collections.abc import Iterable
from pathlib import Path

from dagster import AssetKey, AssetSpec

from returns_pipeline import schemas
from returns_pipeline.definitions import defs

FOLDER = Path(__file__).parent
DEFAULTS = FOLDER.parent / "returns_pipeline" / "settings" / "defaults.toml"
STAGES = ("ingest", "match", "decide", "write", "reconcile")
COLOURS = {"ingest": "#dbeafe", "match": "#dcfce7", "decide": "#fef9c3", "write": "#fee2e2", "reconcile": "#ede9fe"}
BOX_WIDTH, BOX_HEIGHT, COLUMN, ROW, TOP, LEFT = 206, 34, 256, 58, 66, 24


def graph_svg(specs: Iterable[AssetSpec]) -> str:
    """The asset graph as a picture: a column per stage, an arrow per dependency."""
    columns = {stage: sorted((spec for spec in specs if spec.group_name == stage), key=_order) for stage in STAGES}
    places = {
        spec.key: (LEFT + column * COLUMN, TOP + row * ROW)
        for column, stage in enumerate(STAGES)
        for row, spec in enumerate(columns[stage])
    }
    height = TOP + ROW * max(len(column) for column in columns.values()) + 12
    width = LEFT * 2 + COLUMN * (len(STAGES) - 1) + BOX_WIDTH
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#94a3b8"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    parts += [
        f'<text x="{LEFT + column * COLUMN}" y="38" font-weight="700" font-size="16" fill="#334155">{stage}</text>'
        for column, stage in enumerate(STAGES)
    ]
    parts += [
        _arrow(places[dep.asset_key], places[spec.key])
        for column in columns.values()
        for spec in column
        for dep in spec.deps
    ]
    parts += [_box(spec, places[spec.key]) for column in columns.values() for spec in column]
    return "\n".join([*parts, "</svg>", ""])


def _order(spec: AssetSpec) -> tuple[int, str]:
    # In the order of the flow within a stage, so that most arrows point down or right.
    return (len(spec.deps) > 0, "") if spec.key == AssetKey(["operations", "health"]) else (0, _flow(spec.key))


def _flow(key: AssetKey) -> str:
    order = ("rmas", "return_items", "transactions", "sales_orders", "products", "sales_credits", "goods_in", "return_lines", "receipts",
             "credit_proposals", "transfer_proposals", "expected_returns", "posted_credits", "receipt_confirmations", "stock_transfers",
             "exceptions", "three_way_match", "month_end_close", "health")  # fmt: skip
    return f"{order.index(key.path[-1]):02}"


def _box(spec: AssetSpec, place: tuple[int, int]) -> str:
    x, y = place
    return (
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7" fill="{COLOURS[spec.group_name or ""]}" stroke="#94a3b8"/>'
        f'<text x="{x + BOX_WIDTH // 2}" y="{y + 22}" text-anchor="middle" fill="#0f172a">{html.escape(spec.key.to_user_string())}</text>'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        x, y1, y2 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2, end[1] + BOX_HEIGHT // 2
        bend = 12 + abs(y2 - y1) // 12
        path = f"M{x} {y1}C{x + bend} {y1} {x + bend} {y2} {x} {y2}"
    else:
        x1, y1, x2, y2 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2, end[0], end[1] + BOX_HEIGHT // 2
        middle = (x1 + x2) // 2
        path = f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
    return f'<path d="{path}" fill="none" stroke="#94a3b8" stroke-width="1.3" marker-end="url(#tip)"/>'


def data_dictionary() -> str:
    """Every asset's table with its columns, types, units and meaning."""
    lines = [
        "# Data dictionary",
        "",
        "Generated from the Pandera models in `returns_pipeline/schemas` by `make docs`.",
        "",
    ]
    for key, model in sorted(schemas.by_asset_key().items()):
        lines += [
            f"## `{key}`",
            "",
            f"Table `returns.{key.replace('/', '_')}`.",
            "",
            "| column | type | may be empty | meaning |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{column.name}` | {column.dtype} | {'yes' if column.nullable else 'no'} | {_cell(column.description)} |"
            for column in model.columns()
        ]
        lines.append("")
    return "\n".join(lines)


def settings_table() -> str:
    """The settings with their defaults and meanings, as the comments of the defaults file have them."""
    lines = ["# Settings", "", "Generated from `returns_pipeline/settings/defaults.toml` by `make docs`.", ""]
    lines += ["| table | key | default | meaning |", "| --- | --- | --- | --- |"]
    table = ""
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"\[+([a-z_.]+)\]+", line):
            table = heading[1]
        elif entry := re.match(r"(?:# )?([a-z_]+) = (.*?)(?:\s{2,}#\s*(.*)|\s#\s(.*))?$", line):
            lines.append(
                f"| `{table}` | `{entry[1]}` | `{_cell(entry[2].strip())}` | {_cell(entry[3] or entry[4] or '')} |"
            )
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def documents() -> dict[str, str]:
    """File name -> text, for everything in this folder that is generated."""
    specs = list(defs().resolve_all_asset_specs())
    return {"graph.svg": graph_svg(specs), "data-dictionary.md": data_dictionary(), "settings.md": settings_table()}


if __name__ == "__main__":
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
