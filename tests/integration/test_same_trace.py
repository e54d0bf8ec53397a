"""A trace is the same to the byte in any process, with any hash seed, under load, and on other Pythons."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUICK = (
    "random", "random*2", "random+median", "qmc+asha", "tpe+hyperband", "tpe-univariate", "cmaes", "i-epoch",
    "asha",
)  # fmt: skip
KERAS_TUNER = ("keras-tuner:random", "keras-tuner:bayesian", "keras-tuner:hyperband")
PYTHONS = ("3.11", "3.12", "3.13")
BUSY = "while True: pass"


def command(*methods: str, python: str = sys.executable, seeds: tuple[int, ...] = (0, 1)) -> list[str]:
    # KerasTuner's take seconds, and do not know what answers them
    answers = ["--answers", "nearest"] if set(methods) & set(KERAS_TUNER) else []
    return [python, "-m", "tests.replay_digest", *methods, "--seeds", *map(str, seeds), *answers]


def interpreter(version: str) -> str:
    """Return an installed Python, or the version, which uv finds or installs."""
    installed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    return str(installed[-1]) if installed else version


def digests(given: list[str], *, hash_seed: int = 0) -> dict[str, str]:
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    ran = subprocess.run(given, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, str] = json.loads(ran.stdout.splitlines()[-1])
    return found


@pytest.mark.slow  # minutes; by default test_replay compares two processes
@pytest.mark.parametrize(
    "methods", [QUICK, pytest.param(KERAS_TUNER, marks=pytest.mark.xdist_group("keras_tuner"))]
)
def test_another_hash_seed_a_busy_machine_and_two_processes_change_nothing(methods: tuple[str, ...]) -> None:
    alone = digests(command(*methods), hash_seed=1)
    assert len(alone) >= 2 * len(methods)
    assert len(set(alone.values())) > len(alone) // 2
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        # one process a seed, the later one first
        apart = {
            name: digest
            for seed in (1, 0)
            for name, digest in digests(command(*methods, seeds=(seed,)), hash_seed=2 + seed).items()
        }
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert apart == alone


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", [each for each in PYTHONS if not sys.version.startswith(each)])
def test_another_python_gives_the_same_bytes(version: str, tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which installs other Pythons, is not there")
    environment = tmp_path / "environment"
    here = subprocess.run([uv, "pip", "freeze", "--exclude-editable", "--python", sys.executable],
                          capture_output=True, text=True, check=True, cwd=ROOT)  # fmt: skip
    pins = tmp_path / "pins.txt"
    pins.write_text(here.stdout, encoding="utf-8")
    python = str(environment / "bin" / "python")
    for step in (
        ["venv", "--python", interpreter(version), str(environment)],
        ["pip", "install", "--python", python, "--constraint", str(pins), str(ROOT)],
    ):
        ran = subprocess.run([uv, *step], capture_output=True, text=True, check=False, cwd=ROOT)
        if ran.returncode:
            pytest.skip(f"Python {version} and its packages cannot be installed: {ran.stderr[-300:]}")
    for methods in (QUICK, KERAS_TUNER):
        assert digests(command(*methods, python=python)) == digests(command(*methods))
