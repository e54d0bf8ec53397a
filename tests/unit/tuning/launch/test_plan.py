import pytest

from mammobench.core.errors import ConfigError
from mammobench.tuning.launch import JobPlan


def test_options_are_read_as_sbatch_writes_them() -> None:
    plan = JobPlan.from_options(
        ["partition=gpu,long", "account=a", "qos=q", "gpus=2", "cpus=8", "time=2-12", "memory=24G", "array=3"]
    )
    assert plan == JobPlan("gpu,long", "a", "q", gpus=2, cpus=8, time=60 * 60, memory=24.0, array=3)
    assert JobPlan.from_options([]) == JobPlan()


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("90:30", 90), ("12:30:00", 750), ("1-00", 1440), ("1-02:03", 1563), ("1-02:03:59", 1563)],
)
def test_times(text: str, minutes: int) -> None:
    assert JobPlan.from_options([f"time={text}"]).time == minutes


@pytest.mark.parametrize(("text", "size"), [("16G", 16.0), ("16gb", 16.0), ("512M", 0.5), ("1.5T", 1536.0)])
def test_sizes(text: str, size: float) -> None:
    assert JobPlan.from_options([f"memory={text}"]).memory == size


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("partitions=gpu", r"unknown option.*partition.*found 'partitions=gpu'"),
        ("gpu", "unknown option"),
        ("gpus=many", "not a whole number.*found 'many'"),
        ("gpus=-1", "not a whole number"),
        ("cpus=0", "expected 1 or more, found 0"),
        ("array=0", "expected 1 or more, found 0"),
        ("time=tomorrow", "not a time"),
        ("memory=16", "not a size.*16G"),
    ],
)
def test_what_cannot_be_read_is_told(option: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        JobPlan.from_options([option])
