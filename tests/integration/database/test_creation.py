"""Machines that make one study at once in a database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from optuna.exceptions import DuplicatedStudyError
from optuna.study import StudyDirection

from mammobench.core.errors import StudyError
from mammobench.core.files import write_json
from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.storage.access import create_study, open_storage
from mammobench.study.storage.url import VARIABLE
from mammobench.tuning.opening import start_or_continue
from tests.postgres import free_port, shared_server
from tests.small_study import small_request, small_spec


class TestInADatabase:
    pytestmark = pytest.mark.xdist_group("postgres")

    def test_of_machines_that_make_one_study_at_once_one_makes_it(self, tmp_path: Path) -> None:
        url, machines = shared_server().new_database(), 6
        storages = [open_storage(tmp_path, url) for _ in range(machines)]

        def make(number: int) -> int | str:
            try:
                return create_study(
                    storages[number], "s", [StudyDirection.MAXIMIZE], {"machine": number, "tuple": [1.5]}
                )
            except DuplicatedStudyError:
                return "refused"

        with ThreadPoolExecutor(machines) as pool:
            made = list(pool.map(make, range(machines)))
        assert made.count("refused") == machines - 1
        (winner,) = (number for number, answer in enumerate(made) if answer != "refused")
        study_id = storages[0].get_study_id_from_name("s")
        assert storages[0].get_study_user_attrs(study_id)["spec"] == {"machine": winner, "tuple": [1.5]}

    def test_a_foreign_study_with_trials_is_not_taken_over(self, tmp_path: Path, phantom: ImageStore) -> None:
        url = shared_server().new_database()
        storage = open_storage(tmp_path, url)
        storage.create_new_trial(storage.create_new_study([StudyDirection.MINIMIZE], "s"))
        with pytest.raises(StudyError, match="the database has a study 's' already"):
            StudyRecord.create(tmp_path / "s", small_spec("s", phantom, storage=url), url=url)

    def test_a_kill_between_the_database_and_the_folder_is_made_good(
        self, tmp_path: Path, phantom: ImageStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url, folder = shared_server().new_database(), tmp_path / "reports" / "s"
        # the password is in no file
        monkeypatch.setenv(VARIABLE, url)
        asked = small_request(folder, storage=url)
        with start_or_continue(asked, phantom) as study:
            made = study.spec
        # where the process stood when it was killed
        (folder / "study.json").rename(folder / "study.json.new")
        with start_or_continue(asked, phantom) as study:
            assert study.spec == made
        assert [path.name for path in folder.iterdir()] == ["study.json"]

    def test_a_study_that_another_machine_made_meanwhile_is_not_taken(
        self, tmp_path: Path, phantom: ImageStore
    ) -> None:
        url = shared_server().new_database()
        with start_or_continue(small_request(tmp_path / "one" / "s", storage=url), phantom) as study:
            begun = study.spec.model_copy(update={"created": "2020-01-01T00:00:00+00:00"})
        folder = tmp_path / "two" / "s"
        write_json(folder / "study.json.new", begun.model_dump(mode="json"))
        with (
            pytest.raises(StudyError, match="the database has a study 's' already"),
            start_or_continue(small_request(folder, storage=url), phantom),
        ):
            pass
        assert not folder.exists()

    @pytest.mark.parametrize("wrong", ["password", "database", "server"])
    def test_a_refused_login_leaves_no_folder(self, tmp_path: Path, phantom: ImageStore, wrong: str) -> None:
        server, folder = shared_server(), tmp_path / "reports" / "s"
        url = {
            "password": server.url().replace("s3cret", "wr0ng"),
            "database": server.url("nowhere"),
            "server": f"postgresql://u:p@127.0.0.1:{free_port()}/db",
        }[wrong]
        with pytest.raises(StudyError), start_or_continue(small_request(folder, storage=url), phantom):
            pass
        assert not folder.exists()
        with pytest.raises(StudyError, match=r"refuses|no such database|cannot reach"):
            StudyRecord.create(folder, small_spec("s", phantom), url=url)
        assert not folder.exists()
