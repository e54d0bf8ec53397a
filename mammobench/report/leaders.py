"""The section on the leading configurations, and scores by slice of the test images."""

from collections.abc import Sequence

import pandas as pd

from mammobench.core.metrics import predicted_classes
from mammobench.data.store.labels import Label
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.evaluation.replicates import Replicated
from mammobench.evaluation.slices import METRICS, sliced_scores
from mammobench.report import facts, figures, text
from mammobench.report.columns import title_of
from mammobench.report.curves import Curves
from mammobench.report.drawing import Drawing
from mammobench.report.material import Material
from mammobench.report.section import Section

CONFIGURATIONS_DRAWN = 20


def leaders(material: Material) -> Section:
    """Show scores with intervals, curves of the predictions, and learning curves."""
    board, curves = material.board, material.curves
    drawings = [*_scores(board), *_predictions(curves), *_histories(curves, material.objective)]
    recall = facts.recall_table(board, [item.name for item in curves])
    return Section(
        "leaders",
        "Leading configurations",
        drawings=tuple(drawings),
        confusions=facts.confusions(curves),
        tables=tuple(table for table in (recall, replicates_table(board)) if table),
    )


def replicates_table(board: Leaderboard) -> facts.Table | None:
    """Show the spread between seeds beside the interval between patients; None without replicates."""
    by_name = {row["name"]: row for row in board.rows}
    rows = tuple(
        (
            item.name,
            text.with_interval(by_name[item.name], "test_f1"),
            str(len(item.seeds)),
            *(_over_seeds(item, metric) for metric in ("f1", "accuracy")),
        )
        for item in board.replicates
        if item.name in by_name
    )
    heads = (
        "configuration",
        "test F1 as searched",
        "seeds",
        "test F1 over seeds",
        "test accuracy over seeds",
    )
    note = (
        "Mean ± standard deviation over seeds, and the range. The interval is over patients or images and "
        "leaves out the variance between seeds; the seed of the search, which was selected by its score, is "
        "not among them."
    )
    return facts.Table("Replicates with other seeds", heads, rows, (note,)) if rows else None


def _over_seeds(item: Replicated, metric: str) -> str:
    known, values = item.columns, item.test[metric]
    spread = known[f"replicate_{metric}_sd"]
    deviation = f" ± {text.score(spread)}" if text.is_number(spread) else ""
    ends = f"{text.score(min(values))} to {text.score(max(values))}"
    return f"{text.score(known[f'replicate_{metric}_mean'])}{deviation} ({ends})"


def slices(material: Material) -> Section:
    """Score the selected configuration (or the first) by lesion type and pathology."""
    board, curves = material.board, material.curves
    item = next((item for item in curves if item.kind == "selected"), curves[0])
    labels = [Label(number) for number in item.split.test.labels]
    index = pd.DataFrame(
        {
            "lesion_type": [label.lesion_type for label in labels],
            "pathology": [label.pathology for label in labels],
        }
    )
    frame = sliced_scores(
        index,
        item.targets,
        predicted_classes(item.test, item.threshold).astype("int8"),
        item.split.test.groups,
        classes=len(item.class_names),
        level=board.level,
        resamples=board.resamples,
        seed=board.seed,
        zero_division=board.zero_division,
    )
    rows = tuple(
        (
            f"{row['slice'].replace('_', ' ')} {row['value']}".strip(),
            text.whole(row["images"]),
            text.whole(row["groups"]),
            text.whole(row["positives"]),
            *(text.with_interval(row, metric) for metric in METRICS),
        )
        for row in ({str(key): value for key, value in row.items()} for row in frame.to_dict("records"))
    )
    heads = ("subgroup", "images", "groups", "positives", *map(title_of, METRICS))
    note = "A dash: not defined, such as recall without positive images. Small subgroups have little power."
    table = facts.Table(f"{item.name[0].upper()}{item.name[1:]} by subgroup", heads, rows, (note,))
    return Section("slices", "Subgroups", tables=(table,))


def _scores(board: Leaderboard) -> list[Drawing]:
    rows = board.rows
    shown = [
        row
        for place, row in enumerate(rows)
        if place < CONFIGURATIONS_DRAWN or row["selected"] or row["role"] != "searched"
    ]
    caption = (
        f"The first {CONFIGURATIONS_DRAWN} of {len(rows)}, the selected one, the reference CNN and the "
        "baselines."
        if len(shown) < len(rows)
        else "Every configuration, in the order of the table."
    )
    return [
        Drawing(
            f"test-{metric}",
            f"Test {title_of(metric)} with {100 * board.level:.0f} % intervals",
            caption,
            figures.score_figure(shown, f"test_{metric}"),
        )
        for metric in ("f1", "accuracy")
    ]


def _predictions(curves: Sequence[Curves]) -> list[Drawing]:
    split = curves[0].split
    if not split.binary or len({item.split.hash for item in curves}) > 1 or len(set(split.test.targets)) <= 1:
        return []
    chosen = next((item for item in curves if item.kind == "selected"), curves[0])
    dot = "Leading configurations on the test split; a dot marks the threshold chosen on validation."
    reliability = (
        f"The share of {curves[0].class_names[1]} test images by predicted probability, in "
        f"{figures.RELIABILITY_BINS} bins of equal width. Below the diagonal a model is overconfident."
    )
    return [
        Drawing("roc", "ROC", dot, figures.roc_figure(curves)),
        Drawing("precision-recall", "Precision and recall", dot, figures.precision_recall_figure(curves)),
        Drawing("reliability", "Reliability", reliability, figures.reliability_figure(curves)),
        Drawing(
            "thresholds",
            f"Thresholds of {chosen.name}",
            "The threshold is the one with the best F1 on validation; test shows how it generalises.",
            figures.threshold_figure(chosen),
        ),
    ]


def _histories(curves: Sequence[Curves], objective: str) -> list[Drawing]:
    panels = (("objective", f"validation {title_of(objective)}"), ("loss", "training loss"))
    return [
        Drawing(
            f"learning-{column}",
            f"Learning curves: {label}",
            "A dot marks the best epoch, whose weights are used.",
            figure,
        )
        for column, label in panels
        if (figure := figures.history_figure(curves, column, label)) is not None
    ]
