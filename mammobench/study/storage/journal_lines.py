"""The lines of Optuna's journal: each is held against what Optuna writes, before Optuna reads it.

Optuna replays whatever it finds: a line with text for a number ends in a traceback, or passes for something
else, and one that names a trial which there is not is left out in silence.
"""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal

from optuna.distributions import BaseDistribution, json_to_distribution
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mammobench.core.validation import first_fault

JsonObject = dict[str, Any]


def _time(text: str) -> str:
    datetime.fromisoformat(text).astimezone()
    return text


def _distribution(text: str) -> str:
    _parsed(text)
    return text


def _parsed(text: str) -> BaseDistribution:
    try:
        return json_to_distribution(text)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no distribution ({error!r})") from None


Time = Annotated[str, AfterValidator(_time)]
Distribution = Annotated[str, AfterValidator(_distribution)]
Count = Annotated[int, Field(ge=0, le=2**31)]
One = Annotated[JsonObject, Field(min_length=1, max_length=1)]
State = Literal[0, 1, 2, 3, 4]
"""Running, complete, pruned, failed, waiting."""

_RUNNING, _WAITING = 0, 4


class Operation(IntEnum):
    """What a line does, its ``op_code``: part of the format of Optuna's journals, which older ones keep."""

    CREATE_STUDY = 0
    DELETE_STUDY = 1
    SET_STUDY_USER_ATTR = 2
    SET_STUDY_SYSTEM_ATTR = 3
    CREATE_TRIAL = 4
    SET_TRIAL_PARAM = 5
    SET_TRIAL_STATE_VALUES = 6
    SET_TRIAL_INTERMEDIATE_VALUE = 7
    SET_TRIAL_USER_ATTR = 8
    SET_TRIAL_SYSTEM_ATTR = 9


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    worker_id: str


class _NewStudy(_Line):
    study_name: str
    directions: Annotated[list[Literal[0, 1, 2]], Field(min_length=1)]


class _OfStudy(_Line):
    study_id: Count


class _StudyNote(_OfStudy):
    user_attr: One | None = None
    system_attr: One | None = None


class _NewTrial(_OfStudy):
    datetime_start: Time | None
    datetime_complete: Time | None = None
    state: State = 0
    value: float | None = None
    values: list[float] | None = None
    distributions: dict[str, Distribution] = {}
    params: dict[str, float] = {}
    user_attrs: JsonObject = {}
    system_attrs: JsonObject = {}
    intermediate_values: dict[Annotated[str, Field(pattern="^[0-9]{1,9}$")], float] = {}

    @model_validator(mode="after")
    def _values_fit(self) -> "_NewTrial":
        for name, value in self.params.items():
            if name not in self.distributions:
                raise ValueError(f"no distribution of {name}")
            _require_inside(_parsed(self.distributions[name]), value)
        if self.value is not None and self.values is not None:
            raise ValueError("both a value and several")
        return self


class _OfTrial(_Line):
    trial_id: Count


class _Parameter(_OfTrial):
    param_name: str
    param_value_internal: float
    distribution: Distribution

    @model_validator(mode="after")
    def _value_fits(self) -> "_Parameter":
        _require_inside(_parsed(self.distribution), self.param_value_internal)
        return self


class _NewState(_OfTrial):
    state: State
    values: list[float] | None
    datetime_start: Time | None = None
    datetime_complete: Time | None = None

    @model_validator(mode="after")
    def _is_dated(self) -> "_NewState":
        needed = {_RUNNING: self.datetime_start, _WAITING: ""}
        if needed.get(self.state, self.datetime_complete) is None:
            raise ValueError("no time of the change")
        return self


class _Intermediate(_OfTrial):
    step: Count
    intermediate_value: float


class _TrialNote(_OfTrial):
    user_attr: One | None = None
    system_attr: One | None = None


_LINES: dict[int, tuple[type[_Line], str | None]] = {
    Operation.CREATE_STUDY: (_NewStudy, None),
    Operation.DELETE_STUDY: (_OfStudy, None),
    Operation.SET_STUDY_USER_ATTR: (_StudyNote, "user_attr"),
    Operation.SET_STUDY_SYSTEM_ATTR: (_StudyNote, "system_attr"),
    Operation.CREATE_TRIAL: (_NewTrial, None),
    Operation.SET_TRIAL_PARAM: (_Parameter, None),
    Operation.SET_TRIAL_STATE_VALUES: (_NewState, None),
    Operation.SET_TRIAL_INTERMEDIATE_VALUE: (_Intermediate, None),
    Operation.SET_TRIAL_USER_ATTR: (_TrialNote, "user_attr"),
    Operation.SET_TRIAL_SYSTEM_ATTR: (_TrialNote, "system_attr"),
}
"""What stands in a line by its ``op_code``, and the field that it must have then."""


class LineChecker:
    """Checks the lines of a journal in their order.

    Args:
        references: Whether a study or trial that a line names must stand before it.
    """

    def __init__(self, *, references: bool = True) -> None:
        self.lines = 0
        self._references = references
        self._studies: set[str] = set()
        self._trials = 0

    def check(self, line: object) -> None:
        """Check the next line, and count it where nothing is wrong with it.

        Raises:
            ValueError: Saying what is.
        """
        try:
            self._check(line)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from None
        self.lines += 1

    def _check(self, line: object) -> None:
        if not isinstance(line, dict):
            raise ValueError("a line is no JSON object")  # noqa: TRY004 - a fault of the file, told as the others
        code = line.get("op_code")
        if type(code) is not int or code not in _LINES:
            raise ValueError(f"unknown op_code {str(code)[:20]!r}")
        model, needed = _LINES[code]
        checked = model.model_validate(line)
        if needed is not None and getattr(checked, needed) is None:
            raise ValueError(f"no {needed}")
        if self._references and isinstance(checked, _OfStudy) and checked.study_id >= len(self._studies):
            raise ValueError(f"study_id: no study {checked.study_id} before this line")
        if self._references and isinstance(checked, _OfTrial) and checked.trial_id >= self._trials:
            raise ValueError(f"trial_id: no trial {checked.trial_id} before this line")
        if isinstance(checked, _NewStudy):
            # a second one of the name is none to Optuna
            self._studies.add(checked.study_name)
        self._trials += isinstance(checked, _NewTrial)


def _require_inside(distribution: BaseDistribution, value: float) -> None:
    try:
        distribution.to_external_repr(value)
    except (IndexError, TypeError, OverflowError) as error:
        raise ValueError(f"{value} is no value of {distribution} ({error})") from None
