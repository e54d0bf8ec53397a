"""The machine a trial runs on: precision, threads, determinism, and their description.

Neither TensorFlow nor Keras is imported before a function needs it, and no operation runs, so that
`configure` works in a process forked from a server that has the libraries loaded and nothing more.
"""

import os
import platform
import re
import sys
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast, get_args

import cpuinfo

from mammobench.core.errors import ConfigError
from mammobench.space.config import Precision

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
_FLAGS_THAT_MATTER = (
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_bf16",
    "asimd",
    "sve",
)
_FIRST_WITH_BFLOAT16 = (8, 0)
_PACKAGES = ("mammobench", "keras", "tensorflow", "numpy")
_CHATTER = re.compile(r"WARNING: All log messages before absl::|[IW]\d{4} |To enable the following instr")


def quiet_tensorflow() -> None:
    """Silence TensorFlow's C++ log; works before TensorFlow is imported.

    Errors still come as exceptions; a machine without a GPU would log one each time. A level that the user
    set stays. What is written before the log is set up, `load_libraries` holds back.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def load_libraries() -> None:
    """Import Keras and its backend without their start-up messages; run no operation.

    Some of them are written straight to file descriptor 2 before any log level counts; they are held back
    and everything else that an import says there is passed on.
    """
    quiet_tensorflow()
    if "keras" in sys.modules:
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            import keras  # noqa: F401 - loaded for the processes that are forked from this one
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines()
    for line in lines:
        if not _CHATTER.match(line):
            print(line, file=sys.stderr)  # noqa: T201 - passes on what the import wrote


def choose_precision(requested: str) -> Precision:
    """Return the precision to train in.

    ``auto`` is mixed bfloat16 where the GPU (compute capability 8.0 or more) or, without one, the
    processor (AVX512-BF16 or AMX) multiplies bfloat16 matrices, and float32 elsewhere, where bfloat16
    would be emulated and slow.

    Args:
        requested: A precision of `mammobench.space.config.Precision`.

    Raises:
        ConfigError: For an unknown precision.
    """
    for known in get_args(Precision):
        if requested == known != "auto":
            return cast("Precision", known)
    if requested != "auto":
        raise ConfigError(
            "unknown precision",
            where="training.precision",
            expected=" or ".join(get_args(Precision)),
            found=repr(requested),
        )
    gpu = _gpu()
    return precision_for(gpu[1] if gpu else None, processor()[1])


def precision_for(capability: tuple[int, int] | None, flags: frozenset[str]) -> Precision:
    """Return what ``auto`` means on a machine.

    Args:
        capability: The GPU's compute capability, or None without a GPU.
        flags: The processor's flags.
    """
    able = capability >= _FIRST_WITH_BFLOAT16 if capability else bool(flags & _BFLOAT16_FLAGS)
    return "mixed_bfloat16" if able else "float32"


def configure(
    *, precision: str, threads: int, seed: int, deterministic: bool = True, use_gpu: bool = True
) -> dict[str, Any]:
    """Set up Keras and its backend for one process, before its first operation.

    Args:
        precision: A precision; ``auto`` is resolved by `choose_precision`.
        threads: Threads of TensorFlow's operations; 0 for one per core that this process may use.
        seed: Seed of the global generators of Python, NumPy and the backend. The project draws from none
            of them; a library might.
        deterministic: Whether operations must give the same bits each time.
        use_gpu: Whether a GPU may be used; its memory is taken as it is needed.

    Returns:
        What decides a trial's bits besides its configuration, JSON-compatible: ``python``, ``mammobench``,
        ``keras``, ``tensorflow`` and ``numpy`` versions, ``backend``, ``processor``, ``processor_flags``,
        ``threads``, ``precision``, ``deterministic``, ``gpu`` (its name or None) and ``platform``.

    Raises:
        ConfigError: For an unknown precision, or if this process has run operations with another number
            of threads or has used the GPU that it must not use.
    """
    load_libraries()
    import keras  # not before the messages are held back

    threads = threads or usable_cores()
    backend = keras.backend.backend()
    if backend == "tensorflow":
        _set_up_tensorflow(threads=threads, deterministic=deterministic, use_gpu=use_gpu)
    chosen = choose_precision(precision)
    keras.config.set_dtype_policy(chosen)
    keras.utils.set_random_seed(seed)
    gpu = _gpu()
    return describe() | {
        "backend": backend,
        "threads": threads,
        "precision": chosen,
        "deterministic": deterministic,
        "gpu": gpu[0] if gpu else None,
    }


def describe() -> dict[str, Any]:
    """Return versions, processor and platform, without loading any library; see `configure`."""
    name, flags = processor()
    return {
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
        "processor": name,
        "processor_flags": [flag for flag in _FLAGS_THAT_MATTER if flag in flags],
        "platform": platform.platform(),
    }


def usable_cores() -> int:
    """Return how many cores this process may use: its affinity and its container's share respected."""
    # imported here: it takes a while, and most commands train nothing
    import joblib

    return int(joblib.cpu_count())


@cache
def processor() -> tuple[str, frozenset[str]]:
    """Return the processor's model name and its flags, as Linux spells them."""
    table = Path("/proc/cpuinfo")
    if table.is_file():
        text = table.read_text(encoding="utf-8", errors="replace")
        name = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
        flags = re.search(r"^(?:flags|Features)\s*: (.+)$", text, re.MULTILINE)
        if name and flags:
            return name[1].strip(), frozenset(flags[1].split())
    info = cpuinfo.get_cpu_info()
    return info.get("brand_raw", platform.processor()), frozenset(info.get("flags", ()))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _set_up_tensorflow(*, threads: int, deterministic: bool, use_gpu: bool) -> None:
    import tensorflow as tf  # only where it is the backend

    try:
        if not use_gpu:
            tf.config.set_visible_devices([], "GPU")
        for device in tf.config.get_visible_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, enable=True)
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        raise ConfigError(
            "TensorFlow has started with other settings in this process",
            expected=f"{threads} threads, {'a' if use_gpu else 'no'} GPU",
            found=f"{tf.config.threading.get_intra_op_parallelism_threads()} threads",
            remedy="Configure before the first operation, in a process of its own",
        ) from error
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def _gpu() -> tuple[str, tuple[int, int]] | None:
    """Return the first visible GPU's name and compute capability; looked for on TensorFlow only."""
    load_libraries()
    import keras  # not before the messages are held back

    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf  # only where it is the backend

    devices = tf.config.get_visible_devices("GPU")
    if not devices:
        return None
    details = tf.config.experimental.get_device_details(devices[0])
    return details.get("device_name", "GPU"), details.get("compute_capability", (0, 0))
