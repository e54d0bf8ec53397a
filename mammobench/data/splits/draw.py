"""A test split for a source that has none: patients drawn with a fixed seed."""

from collections.abc import Mapping

from mammobench.core.seeds import generator
from mammobench.data.store.records import SplitName

TEST_SHARE = 0.2


def draw_test(units: Mapping[str, int], source: str, seed: int) -> dict[str, SplitName]:
    """Draw a fifth of the units of every label for test, one at least where there are two.

    Args:
        units: Patients (or whatever must stay together) and the highest label of each.
        source: Name of the source; other sources draw otherwise.
        seed: Root of the random numbers.

    Returns:
        The split of every unit.
    """
    splits: dict[str, SplitName] = dict.fromkeys(units, "train")
    for label in sorted(set(units.values())):
        members = sorted(name for name, highest in units.items() if highest == label)
        count = max(round(TEST_SHARE * len(members)), int(len(members) > 1))
        order = generator(seed, source, "test", label).permutation(len(members))
        splits |= {members[position]: "test" for position in order[:count]}
    return splits
