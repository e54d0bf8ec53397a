"""The thermometer: what a leaking split is worth, on the same configurations."""

from mammobench.evaluation.leakage import Leakage, Reading, measure
from mammobench.leakage.page import write_leakage
from mammobench.leakage.running import SPLITS, run_leakage

__all__ = ["SPLITS", "Leakage", "Reading", "measure", "run_leakage", "write_leakage"]
