"""Two machines in network namespaces of their own, that share a database and a bucket and nothing else."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from tests.integration.machines import (
    Machine,
    Watch,
    require_continued,
    require_equal,
    require_secret,
    search_through_losses,
)
from tests.namespaces import namespaces
from tests.postgres import PASSWORD, PostgresServer, server_binaries
from tests.s3 import S3Server, require_s3


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("postgres")
def test_a_dead_machines_trial_goes_on_from_the_bucket(
    phantom: ImageStore,
    tmp_path: Path,
    undisturbed: Callable[[str, str], StudyRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_s3()
    binaries = server_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's server programs (initdb, postgres) are not installed")
    expected = undisturbed("optuna", "random")
    with namespaces(2) as (address, prefixes):
        server, s3 = PostgresServer(binaries, host=address), S3Server(host=address)
        try:
            server.start()
            s3.start()
            for key, value in {**s3.environment, "PGPASSWORD": PASSWORD}.items():
                monkeypatch.setenv(key, value)
            url = server.new_database()
            login, place = url.split("@")
            storage = f"{login.rsplit(':', 1)[0]}@{place}"
            bucket, watch = s3.new_bucket(), Watch()
            first, second = (
                Machine(tmp_path / name, phantom.path, {"MAMMOBENCH_STORAGE": storage}, prefix)
                for name, prefix in zip(("first", "second"), prefixes, strict=True)
            )
            loss = search_through_losses(
                server, first, second,
                "--sampler", "random", "--artifacts", f"s3://{bucket}/studies", victim=second, watch=watch,
            )  # fmt: skip

            found = StudyRecord.open(first.study)
            require_equal(found, expected, folders=[first.study])
            require_continued(loss, found)
            # trials that only the dead machine ever had, and the report is of them too
            theirs = {path.parent.name for path in second.study.glob("trials/*/predictions.npz")}
            assert theirs
            entries = found.storage.get_all_trials(found.study_id)
            states = Counter(entry.state.name for entry in entries)
            assert states == {"COMPLETE": len(expected.trials), "FAIL": 1}
            require_secret(server, url, watch, first.folder, second.folder)
            # four files of each trial, no checkpoint, but for one that was not named when its machine died
            kept = [item["Key"] for item in s3.client().list_objects_v2(Bucket=bucket)["Contents"]]
            assert {key.rsplit("/", 1)[0] for key in kept} == {"studies/shared"}
            assert len(kept) - 4 * len(expected.trials) in {0, 1}
        finally:
            s3.stop()
            server.remove()
