"""What the report may claim of configurations, beyond the models that were trained once."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mammobench.data.splits.split import Split
from mammobench.evaluation.comparison import ALIKE
from mammobench.evaluation.configurations import ConfigurationDifference
from mammobench.evaluation.ends import CAUTIOUS, FEW, rarest_groups
from mammobench.evaluation.leaderboard import Leaderboard, unit_of
from mammobench.report import text


def configurations_compared(board: Leaderboard, chosen: Mapping[str, Any]) -> list[str]:
    """Say how the selected configuration compares to others over training seeds, as far as replicates go."""
    if not board.configurations:
        replicated = any(each.name == chosen["name"] for each in board.replicates)
        also = "others" if replicated else "the selected configuration and others"
        sentence = (
            "These comparisons are of models that were trained once: other training seeds would give others, "
            f"which the intervals leave out. `mammobench replicate` trains {also} again, and configurations "
            "can then be compared."
        )
        return [sentence]
    return [_compared(each) for each in board.configurations]


def _compared(found: ConfigurationDifference) -> str:
    start = f"Over training seeds and patients together, the configuration of {found.name}"
    if found.verdict is None:
        return f"{start} cannot be compared with the selected configuration: a difference is not defined."
    own, selected = found.seeds
    ends = found.interval
    size = f"{text.signed(ends.point)} [{text.signed(ends.low)}, {text.signed(ends.high)}]"
    words = f"{ALIKE} from" if found.verdict == ALIKE else f"significantly {found.verdict} than"
    return (
        f"{start} is {words} the selected configuration: difference in mean test F1 {size}, corrected "
        f"{text.p_value(found.p_adjusted)} ({own} seeds of it, {selected} of the selected one)."
    )


def groups_in_words(split: Split) -> list[str]:
    """Say how many groups the intervals rest on, and what to think of them where these are few."""
    few = rarest_groups(split.test.targets, split.test.groups)
    rarest = min(
        np.unique(split.test.targets),
        key=lambda value: len(np.unique(split.test.groups[split.test.targets == value])),
        default=0,
    )
    plural, unit, name = "" if few == 1 else "s", unit_of(split), split.class_names[rarest]
    what = f"{name} test image{plural}" if unit == "image" else f"{unit}{plural} with a {name} test image"
    sentence = f"Intervals rest on {few:,} {what}"
    if few <= CAUTIOUS:
        return [f"{sentence}: so few that they are wide, and cautious rather than exact."]
    if few < FEW:
        return [f"{sentence}: fewer than {FEW}, so that they are wide and only large differences show."]
    return [f"{sentence}."]
