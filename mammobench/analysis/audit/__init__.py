"""The audit of a data set before training: leakage, shortcuts, tiles with artefacts."""

from mammobench.analysis.audit.gathering import Audit, audit_store
from mammobench.analysis.audit.page import write_audit

__all__ = ["Audit", "audit_store", "write_audit"]
