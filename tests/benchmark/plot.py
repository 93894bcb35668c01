# SPDX-License-Identifier: Apache-2.0
"""Draws lines on two logarithmic scales, as SVG."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 170, 40, 50  # around the lines
COLORS = ["#1b6ca8", "#c8442e", "#3a8f4d", "#8a5fb0"]


def decades(values):
    """Returns the powers of ten around the values."""
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def scale(ticks, start, end):
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])
    return lambda value: start + (math.log10(value) - low) / (high - low) * (end - start)


def line_plot(title, x_label, y_label, series):
    """Returns the SVG. `series` maps names to lists of points, all greater than zero."""
    points = [point for line in series.values() for point in line]
    x_ticks, y_ticks = (decades([point[axis] for point in points]) for axis in (0, 1))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    x, y = scale(x_ticks, LEFT, right), scale(y_ticks, bottom, TOP)
    svg = [
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]

    def text(at_x, at_y, content, extra='text-anchor="middle"'):
        svg.append(f'<text x="{at_x:.1f}" y="{at_y:.1f}" {extra}>{escape(content)}</text>')

    def line(x1, y1, x2, y2):
        svg.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>')

    text((LEFT + right) / 2, 22, title, 'text-anchor="middle" font-size="14"')
    text((LEFT + right) / 2, HEIGHT - 12, x_label)
    text(18, (TOP + bottom) / 2, y_label, f'text-anchor="middle" transform="rotate(-90 18 {(TOP + bottom) / 2:.1f})"')
    for tick in x_ticks:
        line(x(tick), TOP, x(tick), bottom)
        text(x(tick), bottom + 18, f"{tick:,.10g}")
    for tick in y_ticks:
        line(LEFT, y(tick), right, y(tick))
        text(LEFT - 8, y(tick) + 4, f"{tick:,.10g}", 'text-anchor="end"')
    for number, (name, line_points) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        path = "L".join(f"{x(at_x):.1f} {y(at_y):.1f}" for at_x, at_y in line_points)
        svg.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        svg += [f'<circle cx="{x(at_x):.1f}" cy="{y(at_y):.1f}" r="3" fill="{color}"/>' for at_x, at_y in line_points]
        text(right + 12, TOP + 16 + 20 * number, name, f'style="fill: {color}"')
    return "\n".join([*svg, "</svg>", ""])
