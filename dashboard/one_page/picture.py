"""The one picture as a drawing of its own, which a page and a PDF both take: sharp at any size, no text in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from dashboard.charts import hatch
from dashboard.one_page.blocks import Band, Picture
from dashboard.palette import FAINT, HATCH, UNKNOWN

WIDTH, HEIGHT = 90.0, 17.0
"""Millimetres."""

GAP_RATIO = 0.12
HATCH_RUN, HATCH_RISE = 1.1, 1.1
SWATCH = 2.4


def drawn(picture: Picture) -> str:
    """The stacked columns as SVG."""
    highest = max((sum(column) for column in picture.columns), default=0.0) or 1.0
    step = WIDTH / max(len(picture.columns), 1)
    shapes: list[str] = []
    for place, column in enumerate(picture.columns):
        tops = [0.0, *accumulate(column)]
        for band, low, high in zip(picture.bands, tops, tops[1:], strict=False):
            if high > low:
                left, right = step * (place + GAP_RATIO / 2), step * (place + 1 - GAP_RATIO / 2)
                top, bottom = (HEIGHT - value / highest * HEIGHT for value in (high, low))
                shapes += _filled(band, left, right, top, bottom)
    axis = f'<path d="M0 {HEIGHT} L{WIDTH} {HEIGHT}" fill="none" stroke="{FAINT}" stroke-width="0.2"/>'
    return _svg(WIDTH, HEIGHT, [*shapes, axis])


def swatch(band: Band) -> str:
    """A small square in the look of a band, for the legend."""
    return _svg(SWATCH, SWATCH, list(_filled(band, 0.1, SWATCH - 0.1, 0.1, SWATCH - 0.1)))


def _filled(band: Band, left: float, right: float, top: float, bottom: float) -> Iterator[str]:
    box = f'x="{left:.3f}" y="{top:.3f}" width="{right - left:.3f}" height="{bottom - top:.3f}"'
    if not band.hatched:
        yield f'<rect {box} fill="{band.colour}"/>'
        return
    yield f'<rect {box} fill="{UNKNOWN}" stroke="{HATCH}" stroke-width="0.1"/>'
    for x, y, x2, y2 in hatch.lines(left, right, top, bottom, HATCH_RUN, HATCH_RISE):
        yield f'<path d="M{x:.3f} {y:.3f} L{x2:.3f} {y2:.3f}" fill="none" stroke="{HATCH}" stroke-width="0.15"/>'


def _svg(width: float, height: float, shapes: list[str]) -> str:
    size = f'width="{width:g}mm" height="{height:g}mm" viewBox="0 0 {width:g} {height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(shapes)}</svg>'
