"""A figure whose points tell their values, where the pointer rests or the keyboard leads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

_POINTS_PER_INCH = 72
"""Of SVG as matplotlib writes it."""

_RADIUS = 6


@dataclass(frozen=True, eq=False)
class _Series:
    axes: Axes
    places: np.ndarray[Any, np.dtype[np.float64]]
    words: str
    values: tuple[str | Sequence[str], ...]


class Chart(Figure):
    """A figure that knows what its points mean.

    Args:
        width: In inches.
        height: In inches.
        dots: An inch; matplotlib's own unless given.
    """

    def __init__(self, width: float, height: float, *, dots: float | None = None) -> None:
        super().__init__(figsize=(width, height), dpi=dots, layout="constrained")
        self._told: list[_Series] = []

    def tell(self, axes: Axes, x: ArrayLike, y: ArrayLike, words: str, *values: str | Sequence[str]) -> None:
        """Say what some points mean.

        Args:
            axes: Where they are drawn.
            x: In data coordinates, one a point.
            y: In data coordinates, one a point.
            words: What each tells, with ``{0}``, ``{1}``, ... for the values; nothing else in braces.
            values: One string for all the points, or one a point.
        """
        places = np.stack([np.asarray(x, float), np.asarray(y, float)], axis=1)
        self._told.append(_Series(axes, places, words, values))

    def tips(self) -> str:
        """Return what the points tell as JSON for the page's script, with places in the SVG's coordinates.

        A list of series: ``at`` (x and y of each point in turn), ``words`` and ``values`` as in `tell`.
        The figure must have been drawn.
        """
        return json.dumps(
            [
                {"at": places.ravel().tolist(), "words": series.words, "values": values}
                for series in self._told
                for places, values in [self._finite(series)]
                if len(places)
            ],
            separators=(",", ":"),
        )

    def titles(self) -> str:
        """Return the same as SVG elements that tell it without a script."""
        made = []
        for series in self._told:
            places, values = self._finite(series)
            for point, (x, y) in enumerate(places):
                words = series.words.format(
                    *(item if isinstance(item, str) else item[point] for item in values)
                )
                made.append(
                    f'<circle cx="{x}" cy="{y}" r="{_RADIUS}"><title>{escape(words)}</title></circle>'
                )
        return f'<g fill="transparent">{"".join(made)}</g>'

    def _finite(
        self, series: _Series
    ) -> tuple[np.ndarray[Any, np.dtype[np.float64]], tuple[str | list[str], ...]]:
        """Return the places in the SVG of what is drawn, to a tenth of a point, and the values there."""
        kept = np.isfinite(series.places).all(axis=1)
        pixels = series.axes.transData.transform(series.places[kept]) * _POINTS_PER_INCH / self.dpi
        height = self.get_size_inches()[1] * _POINTS_PER_INCH
        places = np.round(np.stack([pixels[:, 0], height - pixels[:, 1]], axis=1), 1)
        values = tuple(
            item if isinstance(item, str) else [word for word, keep in zip(item, kept, strict=True) if keep]
            for item in series.values
        )
        return places, values
