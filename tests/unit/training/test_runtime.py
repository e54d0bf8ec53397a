import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mammobench.core.errors import ConfigError
from mammobench.training import runtime


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"} | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )


FORKED = """
import json, multiprocessing, sys
from mammobench.training import runtime
print("loaded early", "tensorflow" in sys.modules or "keras" in sys.modules)
runtime.load_libraries()

def child(send, threads):
    import keras, tensorflow as tf
    environment = runtime.configure(precision="mixed_bfloat16", threads=threads, seed=0)
    value = float(keras.ops.sum(keras.layers.Dense(2)(keras.ops.ones((3, 4)))) * 0 + 1)
    again = runtime.configure(precision="float32", threads=threads, seed=0)["precision"]
    try:
        runtime.configure(precision="float32", threads=threads + 1, seed=0)
    except Exception as error:
        refused = str(error)
    send.send([environment, value, tf.config.threading.get_intra_op_parallelism_threads(), again, refused])

fork = multiprocessing.get_context("fork")
results = []
for threads in (1, 2):
    receive, send = fork.Pipe(duplex=False)
    process = fork.Process(target=child, args=(send, threads))
    process.start()
    results.append(receive.recv())
    process.join()
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def forked() -> subprocess.CompletedProcess[str]:
    return run(FORKED)


def test_importing_the_runtime_loads_neither_tensorflow_nor_keras(
    forked: subprocess.CompletedProcess[str],
) -> None:
    assert forked.stdout.splitlines()[0] == "loaded early False"


def test_loading_and_configuring_says_nothing(forked: subprocess.CompletedProcess[str]) -> None:
    assert forked.stderr == ""


def test_processes_forked_after_loading_set_their_own_threads(
    forked: subprocess.CompletedProcess[str],
) -> None:
    results = json.loads(forked.stdout.splitlines()[1])
    for threads, (environment, value, intra, again, refused) in enumerate(results, start=1):
        assert environment["threads"] == intra == threads
        assert environment["precision"] == "mixed_bfloat16"
        assert environment["backend"] == "tensorflow"
        assert environment["deterministic"] is True
        assert value == 1.0
        assert again == "float32"
        assert "in a process of its own" in refused


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
