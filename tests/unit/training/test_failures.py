import errno
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import TrialError
from mammobench.training.failures import Fault, fault_of, fault_of_exit, free_space


def caught(function: str) -> BaseException:
    """Return what a real failing operation raises."""
    try:
        exec(function, {"np": np, "path": Path("/dev/full")})  # noqa: S102 - the operations stand in this file
    except BaseException as error:  # noqa: BLE001 - that is what is asked for
        return error
    raise AssertionError(function)


@pytest.mark.parametrize(
    ("operation", "fault", "told"),
    [
        ("path.write_bytes(b'1')", "full disk", "free some there"),
        # the zip file's own error hides the disk's
        ("np.savez(path.open('wb'), a=np.zeros(100000))", "full disk", "free some there"),
        ("np.empty(2**60, np.uint8)", "memory", "Unable to allocate 1.00 EiB"),
        ("raise MemoryError", "memory", "smaller training.batch_size"),
        ("1 / 0", "error", "ZeroDivisionError: division by zero; the traceback is in"),
        ("raise ValueError", "error", "ValueError: ValueError"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_an_exception_has_a_kind_and_one_line(
    operation: str, fault: Fault, told: str, tmp_path: Path
) -> None:
    kind, reason = fault_of(caught(operation), tmp_path)
    assert kind == fault
    assert told in reason
    assert "\n" not in reason


def test_a_full_disk_is_told_apart_from_full_memory_in_the_words_of_libraries(tmp_path: Path) -> None:
    class ResourceExhaustedError(Exception):
        """TensorFlow has one exception of this name for both."""

    assert fault_of(ResourceExhaustedError("OOM when allocating tensor"), tmp_path)[0] == "memory"
    assert fault_of(ResourceExhaustedError("x; No space left on device"), tmp_path)[0] == "full disk"
    assert fault_of(RuntimeError("RESOURCE_EXHAUSTED: 2 GiB"), tmp_path)[0] == "memory"
    assert fault_of(OSError(errno.EDQUOT, "quota"), tmp_path)[0] == "full disk"
    assert fault_of(PermissionError(errno.EACCES, "no"), tmp_path)[0] == "error"


def test_an_error_of_the_project_speaks_for_itself_in_one_line(tmp_path: Path) -> None:
    error = TrialError("the loss\nis no number", where="epoch 2", remedy="Lower the rate")
    assert fault_of(error, tmp_path) == ("error", "epoch 2: the loss is no number. Lower the rate.")


@pytest.mark.parametrize(
    ("statement", "limit", "fault", "told"),
    [
        ("os._exit(3)", None, "crash", "exit status 3 and no result; see"),
        ("os._exit(0)", None, "crash", "exit status 0 and no result; see"),
        ("os.abort()", None, "crash", "native code crashed (SIGABRT)"),
        ("ctypes.string_at(0)", None, "crash", "native code crashed (SIGSEGV)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", None, "killed", "killed by SIGKILL, probably for want"),
        ("os.kill(os.getpid(), signal.SIGTERM)", 9.0, "killed", "from outside by SIGTERM"),
        ("signal.alarm(1); time.sleep(9)", 1.5, "time limit", "time limit of 1.5 s"),
        ("signal.alarm(1); time.sleep(9)", None, "killed", "from outside by SIGALRM"),
    ],
)
def test_an_exit_without_a_word_has_a_kind_and_one_line(
    statement: str, limit: float | None, fault: Fault, told: str, tmp_path: Path
) -> None:
    code = f"import ctypes, os, signal, time; {statement}"
    status = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.DEVNULL).returncode
    kind, reason = fault_of_exit(status, tmp_path, time_limit=limit)
    assert kind == fault
    assert told in reason
    assert "\n" not in reason


def test_every_signal_has_a_fault(tmp_path: Path) -> None:
    for number in range(1, signal.NSIG):
        assert fault_of_exit(-number, tmp_path)[0] in {"crash", "killed"}


def test_free_space_is_told_in_mebibytes(tmp_path: Path) -> None:
    free, of, total, unit = free_space(tmp_path).split()
    assert (of, unit) == ("of", "MiB")
    assert 0 < float(free) <= float(total)
