"""What the page draws and says of hyperparameters, against the numbers."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from scipy.stats import rankdata

from mammobench.core.seeds import generator
from mammobench.evaluation.effects import groups_of, hyperparameter_effects
from mammobench.evaluation.importance import _explained, _unbiased, hyperparameter_importances
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.course import mattered
from mammobench.report.drawing import MUTED, SELECTED, Drawing
from mammobench.report.material import Material
from mammobench.report.section import Section
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]


def section_of(study: StudyRecord) -> Section:
    return mattered(Material({"s": study}, build_leaderboard(study, resamples=20)))


def drawing_of(section: Section, name: str) -> Drawing:
    return next(drawing for drawing in section.drawings if drawing.name == name)


@pytest.fixture(scope="module")
def study(write_study: StudyWriter, tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    """Filters and the activation decide; dropout and the loss do not."""
    return write_study(tmp_path_factory.mktemp("forty") / "forty", trials=40, images=60, sampler="random")


@pytest.fixture(scope="module")
def section(study: StudyRecord) -> Section:
    return section_of(study)


@pytest.fixture(scope="module")
def without(simulated_study: StudyRecord) -> Section:
    return section_of(simulated_study)


def test_a_bar_is_blue_where_above_chance_and_grey_elsewhere(section: Section, study: StudyRecord) -> None:
    found = hyperparameter_importances(study)
    axes = drawing_of(section, "importances").figure.axes[0]
    assert found.important == ("model.filters", "model.activation")
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.shares)
    for bar, (key, share) in zip(axes.patches, found.shares.items(), strict=True):
        color = to_rgb(SELECTED if key in found.important else MUTED)
        assert bar.get_facecolor()[:3] == pytest.approx(color)
        assert isinstance(bar, Rectangle)
        assert bar.get_width() == pytest.approx(share)
    legend = drawing_of(section, "importances").figure.legends[0]
    words = {text.get_text() for text in legend.get_texts()}
    assert words == {"97.5 % of permutations", "above chance", "not above chance"}


def test_the_lines_of_the_figure_are_the_interval_and_the_threshold(
    section: Section, study: StudyRecord
) -> None:
    found = hyperparameter_importances(study)
    lines = [
        np.asarray(line.get_xdata(), float)
        for line in drawing_of(section, "importances").figure.axes[0].lines
    ]
    for place, key in enumerate(found.shares):
        assert lines[2 * place] == pytest.approx(found.spread[key])
        assert lines[2 * place + 1] == pytest.approx([found.chance[key]] * 2)


def test_the_captions_percentages_are_those_of_the_numbers(section: Section, study: StudyRecord) -> None:
    caption, found = drawing_of(section, "importances").caption, hyperparameter_importances(study)
    matched = re.search(
        r"what ([\d.]+) % of ([\d,]+) permutations .* in ([\d.]+) % of studies\. Black lines: (\d+) %",
        caption,
    )
    assert matched
    below, permutations, alpha, level = (float(word.replace(",", "")) for word in matched.groups())
    trials = [trial for trial in study.trials if trial.role == "searched"]
    ranks = rankdata([trial.objective for trial in trials])
    item = next(item for item in study.space.hyperparameters if item.key == "model.filters")
    groups = groups_of(item, [trial.hyperparameters[item.key] for trial in trials])
    of = np.array([inside for _, inside in groups])
    drawn = generator(0, "importances", "spread").integers(0, 40, (1000, 40))
    shares = _unbiased(_explained(ranks[drawn], of[:, drawn].swapaxes(0, 1)), of)
    assert found.spread[item.key] == pytest.approx(np.percentile(shares, [50 - level / 2, 50 + level / 2]))
    # p-values are multiples of one over the permutations and what was seen
    assert all(
        p * (permutations + 1) == pytest.approx(round(p * (permutations + 1))) for p in found.p.values()
    )
    assert below + alpha == 100
    assert found.important == tuple(key for key in found.shares if found.p[key] <= alpha / 100)


def test_random_search_is_not_called_descriptive_and_tpe_is(section: Section, without: Section) -> None:
    assert "Descriptive" not in drawing_of(section, "importances").caption
    assert "Descriptive: tpe chose trials by results" in drawing_of(without, "importances").caption


def test_a_pruner_chooses_the_trials_that_finish(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "pruned", trials=12, images=60, sampler="random", pruner="median")
    assert "Descriptive: median chose trials" in drawing_of(section_of(study), "importances").caption


def test_without_an_importance_above_chance_nothing_is_called_important(
    without: Section, simulated_study: StudyRecord
) -> None:
    assert not any("most important" in drawing.title for drawing in without.drawings)
    first, second, *_ = hyperparameter_importances(simulated_study).shares
    assert drawing_of(without, "interaction").title == f"{first} and {second}"
    assert "not above chance" in drawing_of(without, "interaction").caption
    caption = drawing_of(without, "importances").caption
    assert "No hyperparameter is above chance." in caption
    assert "Not judged, for it takes 10 trials and two values: loss.gamma (in 5 trials)." in caption
    titles = {axes.get_title(): axes.title.get_color() for axes in drawing_of(without, "effects").figure.axes}
    assert {*titles.values()} == {MUTED}


def test_two_above_chance_are_the_most_important(section: Section) -> None:
    title = "Interaction of the two most important hyperparameters"
    assert drawing_of(section, "interaction").title == title


@pytest.mark.parametrize("trials", [3, 5])
def test_few_trials_have_no_ranking_and_no_interval(
    write_study: StudyWriter, tmp_path: Path, trials: int
) -> None:
    study = write_study(tmp_path / "few", trials=trials, images=60)
    section = section_of(study)
    assert "importances" not in {drawing.name for drawing in section.drawings}
    reason = f"importances need 10 finished searched trials, and there are {trials}"
    assert section.notes == (f"Hyperparameter importances are not shown: {reason}.",)
    assert not any("important" in drawing.title for drawing in section.drawings)
    levels = [level for effect in hyperparameter_effects(study) for level in effect.levels]
    assert all(np.isnan([level.low, level.high]).all() for level in levels)


def test_an_interval_of_an_effect_takes_six_trials(section: Section, study: StudyRecord) -> None:
    levels = [level for effect in hyperparameter_effects(study) for level in effect.levels]
    assert {level.trials < 6 for level in levels} == {True, False}
    assert all(np.isnan(level.low) == (level.trials < 6) for level in levels)
    assert "95 % bootstrap interval, from 6 trials on" in drawing_of(section, "effects").caption
