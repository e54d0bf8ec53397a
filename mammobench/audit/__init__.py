"""What is wrong with a data set before any model sees it: leaks, shortcuts, tiles that show no breast."""

from mammobench.audit.gathering import Audit, audit_store
from mammobench.audit.page import write_audit

__all__ = ["Audit", "audit_store", "write_audit"]
