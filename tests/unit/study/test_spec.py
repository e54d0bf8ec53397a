"""What is asked of two studies, compared."""

from typing import Any

import pytest
from pydantic import ValidationError

from mammobench.space.yaml_file import load_space
from mammobench.study.spec import MAY_DIFFER, SPACE_MAY_DIFFER, StudySpec, read_spec

OPTIONS: dict[str, Any] = {"engine": "optuna", "sampler": "tpe", "seed": 0, "precision": "float32"}
SPEC = StudySpec(
    name="s", space_name="quick", space=load_space("quick").to_dict(), objective="f1", direction="maximize",
    data="store", fingerprint="abc", store={"synthetic": True}, versions={},
    created="2026-01-01T12:00:00+00:00", command="mammobench", **OPTIONS,
)  # fmt: skip
OTHER: dict[type, Any] = {str: "other", int: 77, bool: True, dict: {"weights": 1.0}, tuple: ("accuracy",)}


def changed(value: Any) -> Any:
    return "other" if value is None else OTHER[type(value)]


@pytest.mark.parametrize("name", [name for name in StudySpec.model_fields if name != "space"])
def test_a_field_is_compared_unless_a_reason_stands_why_not(name: str) -> None:
    """A new field is compared from the start."""
    other = SPEC.model_copy(update={name: changed(getattr(SPEC, name))})
    found = SPEC.differences(other)
    if name in MAY_DIFFER:
        assert MAY_DIFFER[name]
        assert not found
    else:
        assert list(found.values()) == [(getattr(SPEC, name), getattr(other, name))]


def test_only_fields_that_there_are_may_differ() -> None:
    assert set(StudySpec.model_fields) > set(MAY_DIFFER)
    parts = {*SPEC.space, *(f"budget.{key}" for key in SPEC.space["budget"])}
    assert parts > set(SPACE_MAY_DIFFER)


@pytest.mark.parametrize("part", [*SPEC.space, "a part that is still to be invented"])
def test_a_part_of_the_space_is_compared_unless_a_reason_stands_why_not(part: str) -> None:
    space = {**SPEC.space, part: {"trials": 999, "max_epochs": 9} if part == "budget" else "other"}
    found = SPEC.differences(SPEC.model_copy(update={"space": space}))
    assert set(found) == (set() if part in SPACE_MAY_DIFFER else {f"space.{part}"})
    longer = {**SPEC.space, "budget": {**SPEC.space["budget"], "max_epochs": 999}}
    assert set(SPEC.differences(SPEC.model_copy(update={"space": longer}))) == {"space.budget.max_epochs"}


@pytest.mark.parametrize("name", ["../../x", "/x", "..", "", "a/b", "a\x00b"])
def test_a_recorded_name_leads_into_no_other_folder(name: str) -> None:
    with pytest.raises(ValidationError, match="the name of one folder"):
        StudySpec.model_validate({**SPEC.model_dump(), "name": name})


def test_a_study_of_an_earlier_version_that_searched_its_split_opens() -> None:
    """Such a space can no longer be asked, and what it came to can still be read."""
    search = {"data.split_seed": {"int": [0, 9]}, "model.dropout": {"float": [0.0, 0.5], "step": 0.07}}
    spec = SPEC.model_copy(update={"space": {**SPEC.space, "search": search}})
    assert read_spec(spec.model_dump_json(), "study.json").space["search"] == search
