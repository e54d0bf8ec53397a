"""A study's workers as jobs of a cluster."""

from mammobench.launch.plan import JobPlan
from mammobench.launch.submission import Worker, launch

__all__ = ["JobPlan", "Worker", "launch"]
