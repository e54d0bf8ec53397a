"""The options of `mammobench search`, each declared once, as a field of `StudyOptions` or `RunOptions`.

From a field follow the option on the command line with its help, the check of its values and, in
`StudyOptions`, its place in ``study.json``, in the recorded command, and in the comparison with what a study
was asked before. `mammobench.search` writes its arguments out; a test compares them with these fields.

What changes the space, its objectives, limits and budget is no field of these: a study keeps the result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_type_hints

from annotated_types import Gt, Interval

_OF_FIELD = object()


@dataclass(frozen=True)
class Option:
    """Marks a field as an option of its name.

    Attributes:
        help: One line. ``{engines}``, ``{samplers}`` and ``{pruners}`` stand for what is registered.
        stands: Whether a study that exists goes on as it stands where the option is left out; otherwise the
            default is asked of it. A different value is refused in both cases.
        default: What is asked where the option is left out, None for what the field's default says. If not
            given, the field's default, or None if it `stands`.
    """

    help: str
    stands: bool = False
    default: Any = _OF_FIELD


class StudyOptions:
    """What a study is made with and keeps: fields of `mammobench.study.spec.StudySpec`.

    A field that is added needs a default, with which studies of earlier versions are read; that of a flag is
    False.
    """

    # not a pydantic model itself, for the import of which `mammobench --help` would wait 0.2 s
    engine: Annotated[str, Option("The search library: {engines}.", default="optuna")]
    sampler: Annotated[str, Option("{samplers}.", default=None)]
    pruner: Annotated[str, Option("What stops trials early: {pruners} (Optuna's).")] = "none"
    stop_when_settled: Annotated[bool, Option("Let Optuna's terminator end the search.", stands=True)] = False
    seed: Annotated[int, Option("Of the search and all its trials.", default=0)]
    precision: Annotated[
        str, Option("auto, float32, mixed_bfloat16 or mixed_float16.", stands=True, default="auto")
    ]
    storage: Annotated[
        str | None,
        Option(
            "postgresql://user@host/database for many machines; the password from PGPASSWORD.", stands=True
        ),
    ] = None
    artifacts: Annotated[
        str | None, Option("Folder or s3://bucket/prefix where machines share trials' files.", stands=True)
    ] = None
    heartbeat: Annotated[
        int,
        Interval(gt=0, le=86_400),
        Option(
            "Seconds between a worker's signs of life; six missed, and its trial is run again.", stands=True
        ),
    ] = 10


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How much one process runs at a time, and how; what a trial comes to does not depend on it.

    A study keeps none of these, and each call may ask others.
    """

    workers: Annotated[int, Gt(0), Option("Trials at a time.")] = 1
    timeout: Annotated[float | None, Gt(0), Option("Seconds after which no trial is started.")] = None
    trial_timeout: Annotated[float | None, Gt(0), Option("Seconds after which a trial fails.")] = None
    share_devices: Annotated[bool, Option("Two trials may use one GPU.")] = False
    tensorboard: Annotated[bool, Option("Trials write TensorBoard logs.")] = False


@dataclass(frozen=True)
class Declared:
    """An option as its field declares it.

    Attributes:
        name: The field's.
        hint: The field's type with its constraints, for pydantic.
        help: One line, with the field's default if that is a number and not asked for by itself.
        stands: See `Option`.
        default: What is asked where the option is left out.
        said: Whether a recorded command names it although it is asked its default.
    """

    name: str
    hint: Any
    help: str
    stands: bool
    default: Any
    said: bool

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def asked_type(self) -> Any:  # noqa: ANN401 - a type, or a union of types
        """The type of what is asked, with None where that is the default."""
        kind = get_args(self.hint)[0]
        return kind | None if self.default is None else kind


def _declared(owner: type) -> Iterator[Declared]:
    for name, hint in get_type_hints(owner, include_extras=True).items():
        option = next(each for each in get_args(hint) if isinstance(each, Option))
        default = getattr(owner, name, None) if option.default is _OF_FIELD else option.default
        told = ""
        if option.stands and option.default is _OF_FIELD:
            told = f" Default: {default}." if type(default) in {int, float} else ""
            default = None
        required = not hasattr(owner, name) and not option.stands
        yield Declared(name, hint, option.help + told, option.stands, default, said=required)


STUDY_OPTIONS = {option.name: option for option in _declared(StudyOptions)}
"""What a study keeps, by name."""

RUN_OPTIONS = {option.name: option for option in _declared(RunOptions)}
"""What each call may ask anew, by name."""

OPTIONS = {**STUDY_OPTIONS, **RUN_OPTIONS}
"""All of them, in the order of the command line."""
