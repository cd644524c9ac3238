"""Draws bars as SVG text that stands in a page by itself and prints in black and white as well. Figures come in ready."""

from html import escape

from returns_pipeline.domain.money import format_minor
from returns_pipeline.reports.content import Chart

_COLOURS = ("#0f766e", "#e0a030", "#8a4f7d", "#3b6ea8")
_WIDTH, _LEFT, _RIGHT = 540, 172, 84
_BAR, _GAP, _BETWEEN = 16, 3, 14


def svg(chart: Chart) -> str:
    """The chart as one `<svg>` element, with every amount written beside its bar."""
    if not chart.labels:
        return '<p class="empty">Nothing in this month.</p>'
    return _stacked(chart) if chart.is_stacked else _side_by_side(chart)


def _side_by_side(chart: Chart) -> str:
    largest = max((abs(value) for series in chart.series for value in series.values), default=0) or 1
    per_label = len(chart.series) * (_BAR + _GAP) - _GAP
    parts, top = [], 4
    for place, label in enumerate(chart.labels):
        parts.append(_label(label, top + per_label / 2))
        for number, series in enumerate(chart.series):
            value = series.values[place]
            length = _length(abs(value), largest)
            y = top + number * (_BAR + _GAP)
            parts.append(_bar(_LEFT, y, length, _COLOURS[number % len(_COLOURS)], f"{label}: {series.name}"))
            parts.append(_amount(_LEFT + length + 6, y, value, chart.currency))
        top += per_label + _BETWEEN
    return _wrapped(parts, top, chart)


def _stacked(chart: Chart) -> str:
    totals = [sum(series.values[place] for series in chart.series) for place in range(len(chart.labels))]
    largest = max(totals, default=0) or 1
    parts, top = [], 4
    for place, label in enumerate(chart.labels):
        parts.append(_label(label, top + _BAR / 2 + 3))
        x = float(_LEFT)
        for number, series in enumerate(chart.series):
            length = _length(series.values[place], largest)
            if length:
                parts.append(
                    _bar(x, top, length, _COLOURS[number % len(_COLOURS)], f"{label}: {series.name}", _BAR + 6)
                )
            x += length
        parts.append(_amount(x + 6, top + 3, totals[place], chart.currency))
        top += _BAR + 6 + _BETWEEN
    return _wrapped(parts, top, chart)


def _length(value: int, largest: int) -> float:
    """Pixels of a bar; a figure that is there at all is seen."""
    room = _WIDTH - _LEFT - _RIGHT
    return 0.0 if value <= 0 else max(2.0, room * value / largest)


def _wrapped(parts: list[str], height: float, chart: Chart) -> str:
    axis = f'<line x1="{_LEFT}" y1="0" x2="{_LEFT}" y2="{height - 6:.0f}" stroke="#9aa5b1" stroke-width="1"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(chart.title)}" xmlns="http://www.w3.org/2000/svg">'
        f"{axis}{''.join(parts)}</svg>{_legend(chart)}"
    )


def _legend(chart: Chart) -> str:
    if len(chart.series) < 2:  # noqa: PLR2004 - one colour needs no legend
        return ""
    entries = "".join(
        f'<li><span style="background:{_COLOURS[number % len(_COLOURS)]}"></span>{escape(series.name)}</li>'
        for number, series in enumerate(chart.series)
    )
    return f'<ul class="legend">{entries}</ul>'


def _label(text: str, middle: float) -> str:
    shown = text if len(text) <= 23 else f"{text[:22]}…"  # noqa: PLR2004 - what the margin holds
    return f'<text x="{_LEFT - 10}" y="{middle:.0f}" dominant-baseline="middle" text-anchor="end" class="label">{escape(shown)}</text>'


def _bar(x: float, y: float, length: float, colour: str, title: str, height: int = _BAR) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{length:.1f}" height="{height}" rx="2" fill="{colour}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _amount(x: float, y: float, minor: int, currency: str) -> str:
    return f'<text x="{x:.1f}" y="{y + _BAR / 2 + 1:.0f}" dominant-baseline="middle" class="amount">{amount_text(minor, currency)}</text>'


def amount_text(minor: int, currency: str) -> str:
    """The amount with thousands apart and without its currency: 12,345.60."""
    return format_minor(minor, currency).rpartition(" ")[0]
