"""What a recorded split says of its shares, whichever version made it."""

import numpy as np

from mammobench.data.splits.rules import OWN_VALIDATION
from mammobench.data.splits.shares import is_share_warning, share_warning
from mammobench.data.splits.split import Split
from mammobench.space.config import DataConfig


def share_warnings(split: Split, data: DataConfig) -> tuple[str, ...]:
    """Return the warnings of parts that are far from what was asked, older versions' splits included.

    Args:
        split: The split.
        data: By which it was made.
    """
    told = tuple(filter(is_share_warning, split.warnings))
    if told or split.name == "reference" or data.training_share < 1:
        return told
    train, validation, test = split.train.groups, split.validation.groups, split.test.groups
    found = []
    if split.name == "grouped":
        asked = 1 / data.folds if data.folds else data.test_fraction
        found.append(share_warning("test", asked, test, np.concatenate([train, validation])))
    if not any(warning.startswith(OWN_VALIDATION) for warning in split.warnings):
        found.append(share_warning("validation", data.validation_fraction, validation, train))
    return tuple(warning for warning in found if warning)
