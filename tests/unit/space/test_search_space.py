import math

import pytest

from mammobench.space.search_space import Budget, Choice, FloatRange, IntRange, SearchSpace, encode
from mammobench.space.yaml_file import load_space


def make(*hyperparameters: Choice | FloatRange | IntRange) -> SearchSpace:
    return SearchSpace(
        name="x",
        task="malignancy",
        objective="f1",
        image_size=32,
        base={},
        hyperparameters=hyperparameters,
        budget=Budget(trials=2, max_epochs=3),
    )


LOSS = Choice(key="loss.name", values=("dice", "tversky"))
BETA = FloatRange(key="loss.beta", low=0.1, high=0.5, step=0.2, when={"loss.name": ("tversky",)})
WIDTHS = Choice(key="model.filters", values=([8], [8, 16]))


def test_the_size_counts_conditions() -> None:
    assert make(LOSS, BETA, WIDTHS).size == (1 + 3) * 2
    assert make().size == 1
    assert math.isinf(make(FloatRange(key="model.dropout", low=0.0, high=0.5)).size)
    assert make(IntRange(key="model.convolutions_per_block", low=1, high=5, step=2)).size == 3


def test_a_proposal_lies_in_the_space_only_if_conditions_hold() -> None:
    space = make(LOSS, BETA)
    assert space.contains({"loss.name": "dice"})
    assert space.contains({"loss.name": "tversky", "loss.beta": 0.3})
    assert not space.contains({"loss.name": "dice", "loss.beta": 0.3})
    assert not space.contains({"loss.name": "tversky"})
    assert not space.contains({"loss.name": "tversky", "loss.beta": 0.2})
    assert not space.contains({"loss.name": "focal"})


@pytest.mark.parametrize(("value", "inside"), [(1, True), (3, True), (2, False), (True, False), (1.0, False)])
def test_a_whole_number_lies_on_its_grid(value: object, inside: bool) -> None:
    item = IntRange(key="model.convolutions_per_block", low=1, high=3, step=2)
    assert item.contains(value) is inside


def test_lists_reach_an_engine_as_text() -> None:
    assert encode([8, 16]) == encode((8, 16)) == "[8, 16]"
    assert encode(0.5) == 0.5


def test_a_configuration_is_recognised_as_a_proposal_or_not() -> None:
    space = load_space("activations")
    values = {"model.activation": "relu", "optimizer.learning_rate": 0.001}
    assert space.values_of(space.config(values)) == values
    assert load_space("quick").values_of(space.config(values)) is None
