import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mammobench.core.errors import SpaceError
from mammobench.space.config import DataConfig
from mammobench.space.one_split import DECIDE_THE_SPLIT
from mammobench.space.search_space import Choice, FloatRange, Hyperparameter, IntRange
from mammobench.space.yaml_file import load_space, parse_space, shipped_spaces
from mammobench.tuning.arguments import asked_space

HEAD = "name: x\ntask: malignancy\nimage_size: 32\nbudget: {trials: 2, max_epochs: 1}\n"


def test_a_space_reads_its_ranges_conditions_and_head() -> None:
    space = parse_space(
        "# What it is for.\n" + HEAD + "base: {training.batch_size: 8}\nsearch:\n"
        "  loss.gamma: {float: [0.5, 5], log: true, when: {loss.name: binary_focal_crossentropy}}\n"
        "  loss.name: {choice: [binary_crossentropy, binary_focal_crossentropy]}\n"
        "  model.convolutions_per_block: {int: [1, 3]}\n"
        "  optimizer.learning_rate: {float: [1e-4, 1e-2], log: true}\n"
    )
    assert space.description == "What it is for."
    assert [item.key for item in space.hyperparameters][:2] == ["loss.name", "loss.gamma"]
    assert space.hyperparameters[1].when == {"loss.name": ("binary_focal_crossentropy",)}
    assert isinstance(space.hyperparameters[2], IntRange)
    rate = space.hyperparameters[3]
    assert isinstance(rate, FloatRange)
    assert (rate.low, rate.high, rate.log) == (1e-4, 1e-2, True)
    assert space.fixed["training.batch_size"] == 8
    assert space.fixed["training.max_epochs"] == 1


@pytest.mark.parametrize(
    ("search", "line", "said"),
    [
        ("model.dropuot: {choice: [0.1]}", 6, "did you mean 'model.dropout'"),
        ("model.dropout: {choice: []}", 6, "empty choice"),
        ("model.dropout: {choice: [0.1, 0.1]}", 6, "twice"),
        ("model.dropout: {choice: [{}, 0.1]}", 6, "wrong choice"),
        ("loss.gamma: {float: [0.5, .inf]}", 6, "wrong range"),
        ("loss.gamma: {float: [.nan, 1.0]}", 6, "wrong range"),
        (f"loss.gamma: {{float: [0.5, {10**400}]}}", 6, "wrong range"),
        ("model.dropout: {float: [0.5, 0.1]}", 6, r"reversed range.*Write \[0.1, 0.5\]"),
        ("model.dropout: {float: [0.5, 0.5]}", 6, "empty range"),
        ("model.dropout: {float: [0.0, 0.5], log: true}", 6, "log range cannot touch zero"),
        ("model.dropout: {float: [0.0, 0.5], step: 0.9}", 6, "wrong step"),
        ("model.dropout: {float: [0.1, 0.5], step: 0.1, log: true}", 6, "takes no step"),
        ("model.dropout: {float: [0.0, 1.5]}", 6, "less than 1"),
        ("model.dropout: {float: [low, high]}", 6, "wrong range"),
        ("model.dropout: {float: [0.0, 0.5], steps: 0.1}", 6, "did you mean 'step'"),
        ("model.dropout: 0.5", 6, "wrong form"),
        ("model.dropout: {choice: [0.1], float: [0.1, 0.2]}", 6, "wrong form"),
        ("loss.name: {choice: [dice, mse]}", 6, "mse"),
        ("data.image_size: {choice: [32, 64]}", 6, "set by `image_size`"),
        ("model.dropout: {choice: [0.1], when: {model.l2: 8}}", 6, "not another searched key"),
        (
            "loss.name: {choice: [dice, hinge]}\n  loss.gamma: {float: [1, 2], when: {loss.name: {}}}",
            7,
            "never takes that value",
        ),
        (
            "loss.name: {choice: [dice, hinge]}\n  loss.gamma: {float: [1, 2], when: {loss.name: tversky}}",
            7,
            "impossible condition",
        ),
        (
            "loss.q: {choice: [1], when: {loss.beta: 1}}\n  loss.beta: {choice: [1], when: {loss.q: 1}}",
            6,
            "circle",
        ),
        ("model.kernel_size: {choice: [3, 4]}", 6, "odd"),
        ("model.kernel_size: {choice: [2]}", 6, "model.kernel_size: .*expected an odd number, found 2"),
        ("model.kernel_size: {int: [2, 4], step: 2}", 6, "model.kernel_size: .*odd number, found 2"),
        ("model.dropout: {choice: [1.5]}", 6, "model.dropout: .*expected less than 1, found 1.5"),
        # each fault is told of the key that has it, with what to write
        ("model.filters: {choice: [16, 32]}", 6, r"model.filters: .*list of int.*found 16.*\[16\], \[32\]"),
        ("model:\n    filters: {choice: [[16]]}", 6, "not nested.*`model.filters: "),
        ("model.residual: {choice: [no, yes]}", 6, "true, false.*found 'no' .*Write true or false"),
        ("model.residual: {int: [0, 1]}", 6, r"\{choice: \[false, true\]\}"),
        ("model.dropout: {choice: ['0.1', 0.2]}", 6, "found '0.1' .*without quotation marks"),
        ("training.batch_size: {float: [8, 32]}", 6, r"expected int .*\{int: "),
        ("loss.name: {float: [0.5, 1]}", 6, "loss.name: .*one of.*dice"),
        ("model.dropout: {float: [0.0, 0.5], step: 0.07}", 6, r"never reach.*0\.49.*\[0, 0\.49\]"),
        ("model.convolutions_per_block: {int: [1, 4], step: 2}", 6, r"never reach.*is 3.*\[1, 3\]"),
        (
            "model.dropout: {choice: [0.1]}\n loss.gamma: {choice: [1]}",
            7,
            "1 space below.*2 spaces",
        ),
        ("model.dropout: {choice: [0.1]}\n    loss.gamma: {choice: [1]}", 7, "indentation.*one column"),
        ("model.dropout: {choice: [0.1]}\n\tloss.gamma: {choice: [1]}", 7, "indentation.*a tab.*not tabs"),
        ("model.dropout:{choice: [0.1]}", 6, "a colon and a space"),
    ],
)
def test_a_fault_is_told_with_its_line(search: str, line: int, said: str) -> None:
    with pytest.raises(SpaceError, match=rf"f\.yaml, line {line}\b.*{said}"):
        parse_space(HEAD + "search:\n  " + search + "\n", "f.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [x", "line 1|line 2"),
        ("name: x\nname: y\n", "line 2.*duplicate key"),
        ("- a list\n", "must be a mapping.*expected `key: value`.*found a list"),
        ("", "must be a mapping.*found nothing"),
        (HEAD + "search: [a]\n", r"line 5, search: .*found a list, \[a\].*Write it so"),
        (HEAD + "base: {model.residual: yes}\n", "line 5, model.residual: .*found 'yes'.*true or false"),
        (HEAD + "base: 7\n", "line 5, base: .*found 7 "),
        (HEAD + "search:\nmodel.l2: {choice: [0.1]}\n", "line 6, model.l2.*under base .*or search"),
        (HEAD + "model: {filters: [16]}\n", "line 5, model: .*`model.filters: ...`.*under base or search"),
        (HEAD.replace("{trials: 2, max_epochs: 1}", "\ntrials: 2\n"), "line 5, trials.*under budget"),
        (HEAD.replace("name: x", "name: [a]"), r"line 1, name: .*found a list, \[a\].*Write one name"),
        (HEAD.replace("malignancy", "malignant"), "line 2.*did you mean 'malignancy'"),
        (HEAD.replace("image_size: 32", "image_size: 0"), "line 3.*1 or more"),
        (HEAD.replace("trials: 2", "trials: 0"), "line 4, trials.*1 or more"),
        (HEAD.replace("image_size", "imagesize"), "line 3.*did you mean 'image_size'"),
        (HEAD + "objective: f2\n", "line 5.*did you mean 'f1'"),
        (HEAD + "base: {model.dropout: 2}\n", "line 5.*model.dropout"),
        (
            HEAD + "base: {model.dropout: 0}\nsearch:\n  model.dropout: {choice: [0.1]}\n",
            "both base and search",
        ),
        (HEAD + "extends: referense\n", "did you mean 'reference'"),
        (HEAD.replace("malignancy", "five-class"), "line 2, task: .*five"),
        (HEAD + "base:\n  model.l2: 0\n  data.folds: 1\n", "line 7, data.folds: .*0 or at least 2"),
        (
            HEAD.replace("malignancy", "five-class") + "base: {loss.name: hinge}\n",
            "line 5, loss.name: .*five",
        ),
    ],
)
def test_a_file_that_is_no_space_says_why(text: str, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        parse_space(text, "f.yaml")


@pytest.mark.parametrize("wrong", ["[a]", "7", "x", "2024-01-01", "!tag x"])
@pytest.mark.parametrize("key", ["base", "search", "budget"])
def test_what_is_no_mapping_is_told_in_words_of_yaml(key: str, wrong: str) -> None:
    lines = [line for line in HEAD.splitlines() if not line.startswith(f"{key}:")]
    with pytest.raises(SpaceError, match=rf"^f\.yaml, line \d, {key}: .*expected .*found ") as caught:
        parse_space("\n".join([*lines, f"{key}: {wrong}"]), "f.yaml")
    assert not re.search("Commented|Scalar|NoneType|TimeStamp", str(caught.value))


SPLIT_FIELDS = {
    "data.split": "{choice: [official, grouped]}", "data.split_seed": "{int: [0, 9]}",
    "data.validation_fraction": "{float: [0.1, 0.3]}", "data.test_fraction": "{choice: [0.1, 0.3]}",
    "data.fold": "{choice: [0]}", "data.folds": "{choice: [0, 5]}",
    "data.shared_groups": "{choice: [train, test]}",
}  # fmt: skip


@pytest.mark.parametrize("key", SPLIT_FIELDS)
def test_what_decides_the_split_is_not_searched_but_a_recorded_space_opens(key: str) -> None:
    text = HEAD + f"search:\n  {key}: {SPLIT_FIELDS[key]}\n"
    with pytest.raises(SpaceError, match=rf"f\.yaml, line 6, {key}: .*split.*Move {key} to base"):
        parse_space(text, "f.yaml")
    space = parse_space(text, recorded=True)
    assert [item.key for item in space.hyperparameters] == [key]
    with pytest.raises(SpaceError, match=f"x, {key}: "):
        asked_space(space, objectives=(), trials=None)


@pytest.mark.parametrize(
    "item",
    [
        Choice(key="data.task", values=("malignancy", "abnormality")),
        Choice(key="data.fold", values=(0, 1), when={"model.residual": (True,)}),
        Choice(key="data.split", values=("official", "grouped")),
        Choice(key="data.split", values=("official",)),
        IntRange(key="data.split_seed", low=0, high=9),
        FloatRange(key="data.test_fraction", low=0.1, high=0.3),
    ],
    ids=lambda item: item.describe(),
)
def test_a_space_made_in_python_cannot_search_its_split(item: Hyperparameter) -> None:
    residual = Choice(key="model.residual", values=(False, True))
    space = replace(parse_space(HEAD), hyperparameters=(residual, item))
    with pytest.raises(SpaceError, match=f"x, {item.key}: a search cannot choose its split"):
        asked_space(space, objectives=(), trials=None)


def test_a_field_that_decides_the_split_is_known_as_one() -> None:
    others = {"image_size", "interpolation", "intensity", "training_share"}
    assert {f"data.{name}" for name in DataConfig.model_fields if name not in others} == {*DECIDE_THE_SPLIT}


def test_the_marked_comparison_of_splits_may_be_searched() -> None:
    text = HEAD + "search:\n  data.split: {choice: [official, reference]}\n"
    assert asked_space(parse_space(text), objectives=(), trials=None).hyperparameters


def test_a_recorded_space_is_read_as_it_was_then() -> None:
    text = HEAD + (
        "search:\n  model.residual: {choice: [no, yes]}\n  model.dropout: {float: [0.0, 0.5], step: 0.07}\n"
    )
    assert len(parse_space(text, recorded=True).hyperparameters) == 2


def test_one_fold_of_several_is_a_space() -> None:
    space = parse_space(HEAD + "base: {data.split: grouped, data.folds: 5, data.fold: 2}\n")
    assert space.config({}).data.fold == 2


def test_an_unknown_name_or_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="did you mean 'quick'"):
        load_space("qick")
    with pytest.raises(SpaceError, match="no such search space file"):
        load_space(tmp_path / "missing.yaml")


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD)
    assert load_space(path).name == "x"


def test_a_space_extends_a_shipped_one_and_searches_what_that_one_fixes() -> None:
    space = parse_space(HEAD + "extends: reference\nsearch:\n  model.activation: {choice: [relu, elu]}\n")
    assert space.base["model.head"] == "flatten"
    assert "model.activation" not in space.base


def test_a_space_takes_over_the_search_of_the_one_that_it_extends() -> None:
    small = load_space("small")
    space = parse_space(HEAD + "extends: small\n")
    assert space.hyperparameters == small.hyperparameters
    assert space.base == small.base


def test_what_an_extending_space_fixes_is_not_searched_nor_what_depends_on_it() -> None:
    fixed = "extends: small\nbase: {loss.name: binary_focal_crossentropy, optimizer.name: adam}\n"
    space = parse_space(HEAD + fixed)
    conditions = {item.key: item.when for item in space.hyperparameters}
    assert conditions["loss.gamma"] == {}
    assert not {"loss.name", "loss.label_smoothing", "optimizer.name", "optimizer.momentum"} & set(conditions)
    assert space.base["loss.name"] == "binary_focal_crossentropy"


def test_a_search_that_was_taken_over_and_does_not_fit_is_told_of_the_file() -> None:
    with pytest.raises(SpaceError, match="line 1") as raised:
        parse_space(HEAD.replace("malignancy", "five-class") + "extends: small\n")
    assert "five-class" in str(raised.value) or "loss" in str(raised.value)


@pytest.mark.parametrize("name", shipped_spaces())
def test_a_shipped_space_survives_the_study_file(name: str) -> None:
    space = load_space(name)
    assert parse_space(json.dumps(space.to_dict())).to_dict() == space.to_dict()
