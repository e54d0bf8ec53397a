"""The audit of a data set before training: leakage, shortcuts, tiles with artefacts."""

from mammobench.audit.gathering import Audit, audit_store
from mammobench.audit.page import write_audit

__all__ = ["Audit", "audit_store", "write_audit"]
