"""KPIs as small line charts in SVG, for places that show an image: text in, text out, no library.

What does not belong here: which KPIs there are and what they are worth (the warehouse), and where a chart is shown.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

_WIDTH, _HEIGHT, _COLUMNS = 250, 92, 3
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 40, 12


@dataclass(frozen=True)
class Line:
    """One KPI: `points` by day, `now` as text, `target` in the unit of the points."""

    title: str
    now: str
    points: Mapping[date, float]
    target: float | None = None
    is_on_target: bool | None = None


def charts(lines: Sequence[Line], first: date, last: date) -> str:
    """An SVG with one small chart a KPI, all over the same days. A day without a value is a gap, not a zero."""
    rows = -(-len(lines) // _COLUMNS)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH * _COLUMNS}" height="{max(rows, 1) * _HEIGHT}" font-family="sans-serif">']
    for place, line in enumerate(lines):
        parts.append(f'<g transform="translate({place % _COLUMNS * _WIDTH},{place // _COLUMNS * _HEIGHT})">{_chart(line, first, last)}</g>')
    return "".join([*parts, "</svg>"])


def image(svg: str, alternative: str) -> str:
    """The SVG as an image in Markdown."""
    return f"![{alternative}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def _chart(line: Line, first: date, last: date) -> str:
    colour = {True: "#2a7d4f", False: "#b3261e"}.get(line.is_on_target, "#3b5b8c") if line.is_on_target is not None else "#3b5b8c"
    text = (f'<text x="{_LEFT}" y="15" font-size="11" fill="#555">{escape(line.title)}</text>'
            f'<text x="{_LEFT}" y="33" font-size="15" font-weight="bold" fill="{colour}">{escape(line.now)}</text>')
    shown = {day: value for day, value in sorted(line.points.items()) if first <= day <= last}
    if not shown:
        return text
    values = [*shown.values(), *([] if line.target is None else [line.target])]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    days = max((last - first).days, 1)

    def place(day: date, value: float) -> tuple[float, float]:
        across = _LEFT + (day - first).days / days * (_WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - (value - low) / span * (_HEIGHT - _TOP - _BOTTOM)

    drawn = ""
    if line.target is not None:
        height = place(first, line.target)[1]
        drawn += f'<line x1="{_LEFT}" y1="{height:.1f}" x2="{_WIDTH - _RIGHT}" y2="{height:.1f}" stroke="#999" stroke-dasharray="3 3"/>'
    for run in _runs(list(shown)):
        points = [place(day, shown[day]) for day in run]
        if len(points) == 1:
            drawn += f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2" fill="{colour}"/>'
        else:
            told = " ".join(f"{across:.1f},{height:.1f}" for across, height in points)
            drawn += f'<polyline points="{told}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    return text + drawn


def _runs(days: Sequence[date]) -> list[list[date]]:
    """Days that follow each other, run by run."""
    runs: list[list[date]] = []
    for day in days:
        if runs and (day - runs[-1][-1]).days == 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
