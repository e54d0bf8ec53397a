"""A study's workers as jobs of a cluster."""

from mammobench.tuning.launch.plan import JobPlan
from mammobench.tuning.launch.submission import Worker, launch

__all__ = ["JobPlan", "Worker", "launch"]
