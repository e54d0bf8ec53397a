"""`launch`: submit workers through submitit, which has them requeued when they are preempted.

A worker that comes back finds its trials in the record and their checkpoints in the study's folder, so all
that is kept of it is how it was started. The password of the database goes neither into a job's pickle nor
into its environment: Slurm stores a job's environment with the job, and in its accounting where that is
configured. Workers find it in ``~/.pgpass``, which every machine with this home directory reads.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mammobench.core.errors import ConfigError
from mammobench.study.filenames import WORKERS
from mammobench.study.storage.url import VARIABLE, require_no_password
from mammobench.tuning.launch.plan import JobPlan

Cluster = Literal["slurm", "local"]
_SECRETS = ("PGPASSWORD", VARIABLE)
# the search ends by itself, so a worker may come to its time limit as often as it likes
_REQUEUES = 1000
_PATIENCE = 10


Delayed: TypeAlias = Any
"""A `submitit.helpers.DelayedSubmission`, named without its library."""


@dataclass(frozen=True)
class Worker:
    """What submitit pickles: a call that runs one worker until the search is done.

    Attributes:
        work: The call, importable on the machine where the job runs; it holds no password.
    """

    work: Callable[[], object]

    def __call__(self) -> None:
        """Run the worker."""
        self.work()

    def checkpoint(self) -> Delayed:
        """Return submitit's `DelayedSubmission` of the same call, for a job preempted or timed out."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def launch(
    work: Callable[[], object],
    folder: Path,
    *,
    storage: str | None,
    workers: int,
    plan: JobPlan,
    cluster: Cluster = "slurm",
) -> list[str]:
    """Submit workers of a study, an array of one job each; return the jobs' ids at once.

    Args:
        work: What a worker runs.
        folder: The study's folder, on a file system that this and the workers' machines share.
        storage: The study's storage, ``postgresql://...`` without a password.
        workers: How many.
        plan: What each job asks for.
        cluster: ``slurm``, or ``local`` for processes of this machine, to try it out.

    Raises:
        ConfigError: Without a database or submitit; when the workers would find no password for the
            database; and when the cluster refuses the jobs, or there is none.
    """
    if storage is None:
        raise ConfigError(
            "workers on several machines share a database",
            where="--launch",
            expected="--storage postgresql://USER@HOST/DATABASE",
            found="a study on a journal file",
        )
    try:
        import submitit
    except ImportError as error:
        raise ConfigError(
            "submitit is not installed",
            expected="the extra slurm",
            remedy="Install it with `pip install 'mammobench[slurm]'`",
        ) from error
    url = require_no_password(storage)
    with _without_secrets() as had_secrets:
        _require_login(url, had_secrets=had_secrets)
        try:
            executor = submitit.AutoExecutor(
                (folder / WORKERS).resolve(), cluster=cluster, **{f"{cluster}_max_num_timeout": _REQUEUES}
            )
            executor.update_parameters(name=f"mammobench-{folder.name}", **plan.parameters())
            jobs = executor.submit_array([Worker(work)] * workers)
        except RuntimeError as error:
            raise ConfigError(
                f"the workers cannot be submitted ({' '.join(str(error).split()).rstrip('.')})",
                where=f"--launch {cluster}",
                remedy="Run it where sbatch and srun are, with --launch-option as this cluster wants them",
            ) from error
    return [str(job.job_id) for job in jobs]


@contextmanager
def _without_secrets() -> Iterator[bool]:
    """Take passwords out of the environment while jobs are submitted from it; tell whether there were any."""
    kept = {name: os.environ.pop(name) for name in _SECRETS if name in os.environ}
    try:
        yield bool(kept)
    finally:
        os.environ.update(kept)


def _require_login(url: str, *, had_secrets: bool) -> None:
    """Log in as the workers will: with what libpq finds by itself."""
    try:
        import psycopg
    except ImportError as error:
        raise ConfigError(
            "PostgreSQL needs its driver, psycopg",
            remedy="Install it with `pip install 'mammobench[distributed]'`",
        ) from error
    try:
        psycopg.connect(url, connect_timeout=_PATIENCE).close()
    except psycopg.OperationalError as error:
        why = " (the environment has one, but Slurm stores the environment of jobs)" if had_secrets else ""
        raise ConfigError(
            f"workers cannot log in to the database without a password from the environment{why}",
            where=url,
            found=" ".join(str(error).split()).rstrip("."),
            remedy="Put the line HOST:PORT:DATABASE:USER:PASSWORD into ~/.pgpass, and `chmod 600` it",
        ) from None
