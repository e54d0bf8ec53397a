"""Libraries loaded once, processes forked from there: each configures its own threads and precision."""

import json
import os
import subprocess
import sys

import pytest


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


# one worker forks once
pytestmark = pytest.mark.xdist_group("forked")


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
