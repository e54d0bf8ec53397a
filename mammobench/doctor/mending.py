"""`mend`: apply the cures of an examination, under the study's lock."""

from filelock import FileLock, Timeout

from mammobench.doctor.examination import look
from mammobench.doctor.findings import Examination
from mammobench.errors import StudyError


def mend(examination: Examination) -> list[str]:
    """Mend what can be mended in a study that no process searches, and say what was done.

    The folder is looked at again under the lock, so that nothing is mended that has changed since. A mended
    record may show what could not be seen before; that is mended too. It is safe to repeat.

    Args:
        examination: What `mammobench.doctor.examine` returned.

    Raises:
        StudyError: When another process searches the study now.
    """
    folder = examination.folder
    done: list[str] = []
    try:
        with FileLock(folder / ".lock").acquire(timeout=0):
            for _ in ("the record", "what it tells of"):
                findings = look(folder, room=0, in_use=False).findings
                done += [finding.cure() for finding in findings if finding.cure is not None]
    except Timeout:
        raise StudyError(
            "another process is searching this study",
            where=folder,
            remedy="Mend it when that process has ended, or stop it with Ctrl-C",
        ) from None
    return done
