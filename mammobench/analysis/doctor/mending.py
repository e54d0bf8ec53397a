"""`mend`: apply the cures of an examination, under the study's lock."""

from mammobench.analysis.doctor.examination import look
from mammobench.analysis.doctor.findings import Examination
from mammobench.study.lock import locked


def mend(examination: Examination) -> list[str]:
    """Mend what can be mended in a study that no process searches, and say what was done.

    The folder is looked at again under the lock, so that nothing is mended that has changed since. A mended
    record may show what could not be seen before; that is mended too. It is safe to repeat.

    Args:
        examination: What `mammobench.analysis.doctor.examine` returned.

    Raises:
        StudyError: When another process searches the study now.
    """
    folder = examination.folder
    done: list[str] = []
    with locked(folder):
        for _ in ("the description", "the record", "what it tells of"):
            findings = look(folder, room=0, in_use=False).findings
            done += [finding.cure() for finding in findings if finding.cure is not None]
    return done
