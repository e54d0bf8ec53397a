"""`Examination`: what a look at a study's folder found, as plain values, text and JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mammobench.study.spec import StudySpec

Severity = Literal["damage", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("damage", "warning", "note")

_KILO = 1000


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        what: What is wrong, as a clause without a full stop.
        where: The file or folder.
        severity: ``damage`` where the record or a result has suffered; ``warning`` where something does not
            work or is out of date; ``note`` where nothing is wrong but something can be done.
        remedy: What mending does if it can be mended, else what a person can do; without a full stop.
        cure: What mends it and returns a line that says what was done; None where it cannot be mended.
    """

    what: str
    where: Path
    severity: Severity
    remedy: str
    cure: Callable[[], str] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Holding:
    """Files of one kind.

    Attributes:
        files: How many.
        bytes: Their size on disk together.
    """

    files: int
    bytes: int


@dataclass(frozen=True)
class Examination:
    """What is in a study's folder.

    Attributes:
        folder: The folder.
        spec: What was asked of the study; None where its description is missing or damaged.
        trials: Number of trials by state; empty where the record cannot be read.
        holdings: Files by kind, such as ``trials/*/predictions.npz``, largest first.
        free: Bytes free on the disk.
        in_use: Whether a process searches the study now; then what it may be writing is left out.
        findings: The gravest first.
    """

    folder: Path
    spec: StudySpec | None
    trials: Mapping[str, int]
    holdings: Mapping[str, Holding]
    free: int
    in_use: bool
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.findings

    @property
    def damaged(self) -> bool:
        """Whether the record or a result has suffered."""
        return any(finding.severity == "damage" for finding in self.findings)

    def lines(self) -> list[str]:
        """Return the examination as lines of text: one for a healthy study."""
        size = _size(sum(holding.bytes for holding in self.holdings.values()))
        trials = ", ".join(f"{count} {state}" for state, count in self.trials.items()) or "none known"
        searched = ", being searched now" if self.in_use else ""
        if self.healthy:
            return [f"{self.folder}: healthy{searched}; trials: {trials}; {size}"]
        lines = [f"{self.folder}: trials: {trials}{searched}; {size}, {_size(self.free)} free on the disk"]
        lines += [
            f"  {_size(holding.bytes):>8}  {kind}" + (f" ({holding.files})" if holding.files > 1 else "")
            for kind, holding in self.holdings.items()
        ]
        for finding in self.findings:
            mendable = " [can be mended]" if finding.cure else ""
            lines += ["", f"{finding.severity}{mendable}: {self._place(finding)}: {finding.what}."]
            lines += [f"  {finding.remedy}."]
        mendable_count = sum(finding.cure is not None for finding in self.findings)
        return [*lines, "", f"{len(self.findings)} found; {mendable_count} can be mended with --mend."]

    def to_dict(self) -> dict[str, Any]:
        """Return the examination as JSON holds it."""
        return {
            "study": str(self.folder),
            "healthy": self.healthy,
            "in_use": self.in_use,
            "spec": None if self.spec is None else self.spec.model_dump(mode="json"),
            "trials": dict(self.trials),
            "holdings": {
                kind: {"files": holding.files, "bytes": holding.bytes}
                for kind, holding in self.holdings.items()
            },
            "free_bytes": self.free,
            "findings": [
                {
                    "what": finding.what,
                    "where": str(finding.where),
                    "severity": finding.severity,
                    "remedy": finding.remedy,
                    "mendable": finding.cure is not None,
                }
                for finding in self.findings
            ],
        }

    def _place(self, finding: Finding) -> str:
        inside = finding.where.is_relative_to(self.folder)
        return str(finding.where.relative_to(self.folder) if inside else finding.where)


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KILO:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KILO
    return f"{count:.1f} TB"
