"""Cross-validation on the page: the mean of each configuration over the folds of one split."""

from collections.abc import Mapping

from mammobench.evaluation.folds import METRICS, Pooled, PooledFolds, pooled_folds
from mammobench.evaluation.intervals import Interval
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.facts import Table, objective_title
from mammobench.report.material import Material
from mammobench.report.section import Section
from mammobench.study.record import StudyRecord

ROWS = 20


def cross_validation(material: Material) -> Section:
    """Show the mean of each configuration over the folds, where all folds of a split are there."""
    tables = fold_tables(material.board, material.studies)
    return Section("cross-validation", "Cross-validation", tables=tables)


def fold_tables(board: Leaderboard, studies: Mapping[str, StudyRecord]) -> tuple[Table, ...]:
    """Lay out the pooled folds of each split; empty where no split has all its folds."""
    objective = objective_title(next(iter(studies.values())).spec.objective)
    return tuple(_table(found, objective, board.level) for found in pooled_folds(board, studies))


def _table(found: PooledFolds, objective: str, level: float) -> Table:
    several = len(found.configurations) > 1
    differing = [
        key
        for key in found.configurations[0].values
        if several and len({str(each.values.get(key)) for each in found.configurations}) > 1
    ]
    rows = tuple(
        (
            " · ".join(each.names),
            ", ".join(f"{key}={text.value(each.values.get(key))}" for key in differing) or text.MISSING,
            text.score(each.objective),
            *(_cell(each, metric) for metric in METRICS),
        )
        for each in found.configurations[:ROWS]
    )
    heads = (
        "trials, by fold", "settings", f"mean {objective}",
        *(f"mean test {title_of(metric)} ± SD of folds" for metric in METRICS),
    )  # fmt: skip
    meaning = (
        f"Mean over {found.folds} folds of one split, each tested on other images; the best by mean "
        f"{objective} first, so that test selects nothing. {100 * level:.0f} % intervals: corrected "
        f"resampled t (Nadeau and Bengio 2003), Student's t with {found.folds - 1} degrees of freedom and "
        "the variance between folds times (1/k + test images / training images) = "
        f"1/{found.folds} + {found.ratio:.2f}, since the folds share training images. They are of the "
        "score to be expected over training and test images; rows are not compared with each other."
    )
    notes = [meaning]
    if found.left_out:
        some = found.left_out
        notes.append(
            f"{some:,} {'configuration has' if some == 1 else 'configurations have'} finished in some folds "
            "alone and are left out."
        )
    if len(found.configurations) > ROWS:
        notes.append(f"The first {ROWS} of {len(found.configurations):,} configurations.")
    return Table(f"{found.folds}-fold cross-validation", heads, rows, tuple(notes))


def _cell(each: Pooled, metric: str) -> str:
    interval: Interval = each.test[metric]
    if not text.is_number(interval.point):
        return text.MISSING
    point, low, high = (text.score(end) for end in (interval.point, interval.low, interval.high))
    return f"{point} ± {text.score(each.deviations[metric])} [{low}, {high}]"
