from dataclasses import replace

from mammobench.data.store.image_store import ImageStore
from mammobench.space.yaml_file import load_space
from mammobench.tuning.arguments import require_usable


def test_a_search_is_told_where_its_split_is_far_from_what_was_asked(phantom: ImageStore) -> None:
    space = load_space("quick")
    assert require_usable(phantom, space) == ()
    # each of the labels has one group in every part at the least
    small = replace(space, base={**space.base, "data.split": "grouped", "data.test_fraction": 0.01})
    (warning,) = require_usable(phantom, small)
    assert "in the test part, where 1 % were asked for" in warning
