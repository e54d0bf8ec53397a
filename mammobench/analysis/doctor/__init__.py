"""What is in a study's folder, what is damaged there, and what can be mended without losing anything.

`examine` reads and changes nothing. `mend` takes the study's lock, keeps a copy of whatever it changes, and
removes nothing that holds a result.
"""

from mammobench.analysis.doctor.examination import examine
from mammobench.analysis.doctor.findings import Examination, Finding, Holding
from mammobench.analysis.doctor.mending import mend

__all__ = ["Examination", "Finding", "Holding", "examine", "mend"]
