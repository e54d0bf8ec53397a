"""A command's parameters from declared options."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, TypeVar

import typer

from mammobench.study.options import Declared

Command = TypeVar("Command", bound=Callable[..., None])


def with_options(
    declared: Mapping[str, Declared], *, before: str, **registered: str
) -> Callable[[Command], Command]:
    """Have a command that takes ``**options`` show typer a parameter for each declared option.

    In the command's help ``{standing}`` becomes the options that may be left out for a study that exists.

    Args:
        declared: Options by name.
        before: The parameter that they stand before in ``--help``.
        **registered: What stands in the options' help for these names.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            if parameter.name == before:
                parameters += _parameters(declared, registered)
            if parameter.kind is not parameter.VAR_KEYWORD:
                parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY))
        vars(command)["__signature__"] = signature.replace(parameters=parameters)
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        *others, last = [f"`{option.flag}`" for option in declared.values() if option.stands]
        standing = f"{', '.join(others)} and {last}"
        command.__doc__ = (command.__doc__ or "").replace("{standing}", standing)
        return command

    return decorate


def _parameters(
    declared: Mapping[str, Declared], registered: Mapping[str, str]
) -> Iterator[inspect.Parameter]:
    for name, option in declared.items():
        # a flag that may be left out says no in a word of its own
        flags = [option.flag] if option.asked_type is bool else []
        told = typer.Option(*flags, help=option.help.format(**registered))
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=Annotated[option.asked_type, told],
        )
