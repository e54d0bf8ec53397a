"""How every figure is drawn and written: one style, whose colours follow the page's light or dark theme."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mammobench.core.files import written_aside
from mammobench.report.chart import Chart

WIDTH = 5.2
DOTS_PER_INCH = 200
# the page's light colours, good on paper too; in its SVG they become the page's own, light or dark
INK, MUTED, LINE = "#1d1d1f", "#66666e", "#e4e2dd"
THEME = {INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)"}
SELECTED, REFERENCE = "#3b82f6", "#e07b39"
DOTS_DRAWN = 300
"""More dots than these are an image inside a figure, so that the page stays light."""

OTHERS = ("#2a9d8f", "#b06ccf", "#c2940a", "#d6588a", "#6b9e3f")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "pdf.fonttype": 42, "font.family": "sans-serif", "font.size": 10,
    "text.parse_math": False,
    "text.color": INK, "axes.edgecolor": LINE, "axes.labelcolor": MUTED, "axes.grid": True,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.facecolor": "none", "figure.facecolor": "none", "grid.color": LINE, "grid.linewidth": 0.6,
    "xtick.color": LINE, "ytick.color": LINE, "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED,
    "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.frameon": False, "legend.fontsize": 9,
    "legend.labelcolor": INK, "legend.handlelength": 1.6, "lines.linewidth": 1.5, "axes.unicode_minus": True,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure: its heading, one sentence below, and what is drawn.

    Attributes:
        name: Of its files, such as ``roc``.
        title: Its heading.
        caption: One sentence or two.
        figure: Drawn in `STYLE`.
    """

    name: str
    title: str
    caption: str
    figure: Figure

    @property
    def tall(self) -> bool:
        """Whether it is higher than wide."""
        width, height = self.figure.get_size_inches()
        return bool(height > width)

    @property
    def svg(self) -> str:
        """The figure as an accessible SVG element."""
        return svg_of(self.figure, self.title)


def axes_of(height: float, width: float = WIDTH) -> tuple[Chart, Axes]:
    """Return a figure of one pair of axes, in inches."""
    figure = Chart(width, height, dots=DOTS_PER_INCH)
    return figure, figure.subplots()


def save_drawings(drawings: Sequence[Drawing], folder: Path) -> tuple[Path, ...]:
    """Write each figure as PDF and as PNG, in light colours for paper; return the paths."""
    written = []
    for drawing in drawings:
        for kind in ("pdf", "png"):
            path = folder / f"{drawing.name}.{kind}"
            # no date, so that the same figure is the same file
            metadata = {"CreationDate": None} if kind == "pdf" else {}
            with mpl.rc_context(STYLE), written_aside(path) as aside:
                drawing.figure.savefig(
                    aside, format=kind, dpi=DOTS_PER_INCH, facecolor="white", metadata=metadata
                )
            written.append(path)
    return tuple(written)


def svg_of(figure: Figure, title: str, *, scripted: bool = True) -> str:
    """Write a figure as an accessible SVG element that scales with the page and takes its colours.

    Args:
        figure: Drawn in `STYLE`.
        title: Its name.
        scripted: Whether the page's script tells what the points of a `Chart` mean; else the SVG does.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": title}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    # its parts stay where this has put them, which costs more than drawing them
    figure.set_layout_engine("none")
    markup = buffer.getvalue()
    markup = markup[markup.index("<svg") :]
    markup = re.sub(r"<metadata>.*?</metadata>", "", markup, flags=re.DOTALL)
    # several figures share the page: only what is referred to keeps its id
    markup = re.sub(r'<g id="[^"]*"', "<g", markup)
    markup = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", markup)
    label = str(escape(title)).replace("\\", r"\\")
    markup = re.sub(r'(<svg[^>]*?) height="[^"]*"', rf'\1 role="img" aria-label="{label}"', markup)
    for stand_in, color in THEME.items():
        markup = markup.replace(stand_in, color)
    if isinstance(figure, Chart) and scripted:
        markup = markup.replace("<svg", f'<svg data-tips="{escape(figure.tips())}"', 1)
    elif isinstance(figure, Chart):
        markup = markup.replace("</svg>", f"{figure.titles()}</svg>")
    return markup
