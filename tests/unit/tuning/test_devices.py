import os
import stat
from pathlib import Path

import pytest

from mammobench.core.errors import ConfigError
from mammobench.training.runtime import usable_cores
from mammobench.tuning.devices import Leases, devices_in, listed_devices, visible_devices

DIVIDED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-1111)
  MIG 1g.5gb      Device  1: (UUID: MIG-2222)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-cccc)
  MIG 7g.40gb     Device  0: (UUID: MIG-3333)
"""


def test_one_worker_takes_all_cores_of_this_machine() -> None:
    assert Leases(1, devices=()).take().threads == usable_cores()


@pytest.mark.parametrize(
    ("cores", "workers", "threads"), [(8, 1, 8), (8, 2, 4), (8, 3, 2), (2, 2, 1), (2, 5, 1)]
)
def test_workers_share_cores_evenly_and_each_gets_one_at_least(
    cores: int, workers: int, threads: int
) -> None:
    leases = Leases(workers, cores=cores, devices=())
    assert [leases.take().threads for _ in range(workers)] == [threads] * workers


def test_a_device_is_leased_to_one_trial_at_a_time_and_again_when_it_is_free() -> None:
    leases = Leases(2, devices=("0", "1"), cores=8)
    first, second = leases.take(), leases.take()
    assert (first.devices, second.devices) == (("0",), ("1",))
    with pytest.raises(RuntimeError, match="all 2 taken"):
        leases.take()
    leases.give_back(first)
    assert leases.take().device == "0"
    leases.give_back(second)
    with pytest.raises(ValueError, match="taken"):
        leases.give_back(second)


def test_devices_are_shared_only_when_that_is_asked() -> None:
    with pytest.raises(ConfigError, match=r"fewer GPUs than workers: expected at most 1.*--share-devices"):
        Leases(2, devices=("0",), cores=2)
    leases = Leases(3, devices=("0", "1"), cores=2, share_devices=True)
    assert [leases.take().device for _ in range(3)] == ["0", "1", "0"]
    assert Leases(3, devices=(), cores=2).take().devices == ()


def test_no_worker_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 or more, found 0"):
        Leases(0)


@pytest.mark.parametrize(
    ("chosen", "devices"),
    [
        ("", ()),
        ("0", ("0",)),
        ("0, 2", ("0", "2")),
        ("-1", ()),
        ("1,-1,0", ("1",)),
        ("GPU-aaaa,MIG-1111", ("GPU-aaaa", "MIG-1111")),
        ("NoDevFiles", ()),
    ],
)
def test_the_environment_names_devices_as_cuda_reads_it(
    chosen: str, devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devices_in(chosen) == devices
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_devices() == devices


def test_a_divided_gpu_counts_as_its_parts() -> None:
    assert listed_devices(DIVIDED) == ("MIG-1111", "MIG-2222", "GPU-bbbb", "MIG-3333")
    assert listed_devices("No devices were found\n") == ()


@pytest.mark.parametrize(("status", "devices"), [(0, ("GPU-aaaa", "GPU-bbbb")), (9, ())])
def test_the_drivers_tool_is_asked_where_the_environment_says_nothing(
    status: int, devices: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\n[ \"$1\" = -L ] && printf 'GPU 0: X (UUID: GPU-aaaa)\\nGPU 1: X (UUID: GPU-bbbb)\\n'\n"
        f"exit {status}\n"
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert visible_devices() == devices
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert visible_devices() == ()
