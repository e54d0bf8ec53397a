import json
from pathlib import Path

import pytest

from mammobench.core.errors import SpaceError
from mammobench.space.search_space import FloatRange, IntRange
from mammobench.space.yaml_file import load_space, parse_space, shipped_spaces

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
        ("- a list\n", "must be a mapping"),
        ("", "must be a mapping"),
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
        (HEAD.replace("malignancy", "five-class"), "five"),
    ],
)
def test_a_file_that_is_no_space_says_why(text: str, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        parse_space(text, "f.yaml")


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


@pytest.mark.parametrize("name", shipped_spaces())
def test_a_shipped_space_survives_the_study_file(name: str) -> None:
    space = load_space(name)
    assert parse_space(json.dumps(space.to_dict())).to_dict() == space.to_dict()
