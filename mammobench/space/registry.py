"""The form in which losses, activations and optimizers are registered, and how they are found by name.

`mammobench.space.components` registers those that there are. An entry says what a search space may write,
what it means, which hyperparameters it takes, and where its class or function is found, as ``module:name``:
nothing here needs Keras, and the module is imported when a network is built. From the entries follow the
checks of `TrialConfig`, the networks, `search_spaces/README.md`, ``mammobench spaces --keys`` and the
contract tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from mammobench.core.errors import ConfigError
from mammobench.core.registry import Entry


@dataclass(frozen=True, kw_only=True)
class Component(Entry):
    """Something that a configuration names.

    Attributes:
        shared: Fields of its section of `TrialConfig` that it takes, each as the argument of that name.
        own: Fields that it adds to its section, and takes: name to type and default, as in a pydantic model.
    """

    shared: tuple[str, ...] = ()
    own: Mapping[str, tuple[object, object]] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of its section that it takes."""
        return (*self.shared, *self.own)


@dataclass(frozen=True, kw_only=True)
class Loss(Component):
    """A loss of probabilities: a callable that takes the fields by keyword and returns a `keras.losses.Loss`.

    Attributes:
        where: For two classes, of targets and probabilities (n, 1).
        where_of_many: For more, one-hot targets and probabilities (n, classes); None where there is no such.
        takes_prior: Whether it also takes ``prior``, the share of each class in training, as a list.
    """

    where_of_many: str | None = None
    takes_prior: bool = False


@dataclass(frozen=True, kw_only=True)
class Activation(Component):
    """An activation: a function from a tensor to one of the same shape.

    Attributes:
        non_decreasing: Whether f(max(x)) is max(f(x)), so that max-pooling may come first.
        initializer: Of the kernels of a network with this activation.
    """

    non_decreasing: bool = False
    initializer: str = "keras.initializers:GlorotUniform"


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component):
    """A callable that takes ``learning_rate``, ``weight_decay``, ``global_clipnorm`` and the fields."""


Section = TypeVar("Section", bound=BaseModel)


@dataclass(frozen=True)
class OneOf:
    """Pydantic's check that a text is the name of a component."""

    registered: Mapping[str, Component]

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.registered))


def with_fields_of(registered: Mapping[str, Component]) -> Callable[[type[Section]], type[Section]]:
    """Return a decorator that adds the components' own fields to a section of `TrialConfig`.

    Raises:
        ConfigError: For a field that is there already, or a shared one that is not.
    """

    def extended(section: type[Section]) -> type[Section]:
        fields: dict[str, Any] = {}
        for component in registered.values():
            clash = (component.own.keys() & (section.model_fields.keys() | fields.keys())) | (
                set(component.shared) - section.model_fields.keys()
            )
            if clash:
                raise ConfigError(
                    f"{component.name}: its own fields must be new, the shared ones known",
                    where=section.__name__, found=", ".join(sorted(clash)),
                )  # fmt: skip
            fields.update(component.own)
        return create_model(
            section.__name__,
            __base__=section,
            __module__=section.__module__,
            __doc__=section.__doc__,
            **fields,
        )

    return extended
