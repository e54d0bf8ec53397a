"""The leakage experiment: the same configurations trained under a leaking split and under clean ones."""

from mammobench.evaluation.leakage import Leakage, Reading, measure
from mammobench.leakage.page import write_leakage
from mammobench.leakage.running import SPLITS, run_leakage

__all__ = ["SPLITS", "Leakage", "Reading", "measure", "run_leakage", "write_leakage"]
