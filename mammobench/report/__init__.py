"""The report of a study: one HTML file that a clinician or a reviewer can read, and the table beside it."""

from mammobench.report.html import write_report

__all__ = ["write_report"]
