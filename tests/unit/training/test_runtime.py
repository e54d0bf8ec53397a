import json
import os
from typing import Any

import pytest

from mammobench.core.errors import ConfigError
from mammobench.training import runtime


def test_a_description_names_versions_and_processor() -> None:
    description = runtime.describe()
    assert description["keras"].split(".")[0] == "3"
    assert set(description) == {
        "python", "mammobench", "keras", "tensorflow", "numpy", "processor", "processor_flags", "platform",
    }  # fmt: skip
    assert description["processor"]
    assert set(description["processor_flags"]) <= runtime.processor()[1]
    assert json.loads(json.dumps(description)) == description


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_requested_precision_is_taken(precision: str) -> None:
    assert runtime.choose_precision(precision) == precision


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx2", "fma"}, "float32"),
        ({"avx512f"}, "float32"),
        ({"avx512f", "avx512_bf16"}, "mixed_bfloat16"),
        ({"amx_bf16"}, "mixed_bfloat16"),
    ],
)
def test_auto_follows_the_processor_where_there_is_no_gpu(flags: set[str], expected: str) -> None:
    assert runtime.precision_for(None, frozenset(flags)) == expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float32"), ((8, 0), "mixed_bfloat16")])
def test_auto_follows_the_gpu_where_there_is_one(capability: tuple[int, int], expected: Any) -> None:
    assert runtime.precision_for(capability, frozenset({"avx512_bf16"})) == expected


def test_auto_is_one_of_both_here() -> None:
    assert runtime.choose_precision("auto") in {"float32", "mixed_bfloat16"}


def test_an_unknown_precision_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"mixed_bfloat16.*found 'half'"):
        runtime.choose_precision("half")


def test_a_log_level_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    runtime.quiet_tensorflow()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_usable_cores_are_at_least_one_and_at_most_all() -> None:
    assert 1 <= runtime.usable_cores() <= (os.cpu_count() or 1)
