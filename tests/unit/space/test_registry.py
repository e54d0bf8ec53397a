"""Registering: one entry is enough, and a wrong one says what is wrong with it."""

import pytest
from pydantic import BaseModel

from mammobench.core.errors import ConfigError
from mammobench.core.registry import register, resolve
from mammobench.space.components import ACTIVATIONS, LOSSES, OPTIMIZERS
from mammobench.space.registry import Component, Loss, with_fields_of


@pytest.mark.parametrize("registered", [LOSSES, ACTIVATIONS, OPTIMIZERS])
def test_every_entry_is_found_and_says_what_it_means(registered: dict[str, Component]) -> None:
    for name, component in registered.items():
        assert component.name == name
        assert component.meaning
        assert callable(resolve(component.where))


def test_every_loss_of_more_classes_is_found() -> None:
    assert all(callable(resolve(loss.where_of_many)) for loss in LOSSES.values() if loss.where_of_many)


def test_a_name_is_taken_once() -> None:
    registered = {"dice": Loss(name="dice", meaning="one", where="one:Dice")}
    with pytest.raises(ConfigError, match="one:Dice has it"):
        register(registered, Loss(name="dice", meaning="other", where="other:Dice"))


@pytest.mark.parametrize("where", ["mammobench.models.losses:nothing", "no_such_module:name", "a b"])
def test_what_cannot_be_imported_is_named(where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        resolve(where)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (Loss(name="a", meaning="a", where="a:a", shared=("unknown",)), "unknown"),
        (Loss(name="a", meaning="a", where="a:a", own={"gamma": (float, 1.0)}), "gamma"),
    ],
)
def test_own_fields_are_new_and_shared_ones_known(loss: Loss, said: str) -> None:
    class Section(BaseModel):
        gamma: float = 2.0

    with pytest.raises(ConfigError, match=said):
        with_fields_of({loss.name: loss})(Section)


def test_two_entries_may_not_add_the_same_field() -> None:
    losses = {
        name: Loss(name=name, meaning=name, where="a:a", own={"slope": (float, 1.0)}) for name in ("a", "b")
    }
    with pytest.raises(ConfigError, match="slope"):
        with_fields_of(losses)(BaseModel)
