"""Figures have room for what stands in them."""

import numpy as np
import pandas as pd
import pytest

from mammobench.data.splits.split import Split
from mammobench.report.curves import Curves
from mammobench.report.figures import history_figure
from tests.conftest import simulate_split


@pytest.fixture(scope="module")
def split() -> Split:
    return simulate_split("malignancy", images=30, leaks=False, grouped=True, seed=0)


@pytest.mark.parametrize("name", ["trial {}", "trial {} of a-study-named-after-all-of-its-settings"])
def test_a_legend_of_long_names_stays_within_the_figure(name: str, split: Split) -> None:
    history = pd.DataFrame({"epoch": np.arange(1, 10), "loss": np.linspace(0.7, 0.1, 9)})
    curves = [
        Curves(
            trial=number, name=name.format(number), kind="searched", split=split,
            validation=np.zeros(1), test=np.zeros(1), threshold=0.5, best_epoch=9, history=history,
        )
        for number in range(1, 9)
    ]  # fmt: skip
    figure = history_figure(curves, "loss", "training loss")
    assert figure is not None
    figure.canvas.draw()
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert 0 <= box.y0 < box.y1 <= figure.bbox.height
