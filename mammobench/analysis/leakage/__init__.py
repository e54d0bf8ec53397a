"""The leakage experiment: the same configurations trained under a leaking split and under clean ones."""

from mammobench.analysis.leakage.page import write_leakage
from mammobench.analysis.leakage.running import SPLITS, run_leakage
from mammobench.evaluation.leakage import Leakage, Reading, measure

__all__ = ["SPLITS", "Leakage", "Reading", "measure", "run_leakage", "write_leakage"]
