"""Damaged records through `search`, `report`, `reproduce` and `doctor`.

Any value of study.json, of a journal's lines or of a database's rows is replaced by null, text, a huge
number, a list, a path or a pickle. Whatever comes of it is told without a traceback, nothing happens outside
the study, and what was sound is kept.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mammobench import api
from mammobench.cli import app
from mammobench.core.errors import MammobenchError
from mammobench.data.store.image_store import ImageStore
from mammobench.space.yaml_file import parse_space
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.tuning.proposer import Proposer
from tests.poison import Route, payloads, replaced, routes
from tests.postgres import shared_server
from tests.small_study import finish, small_spec

SPACE = """
name: small
task: malignancy
image_size: 16
search:
  model.filters: {choice: [[4], [4, 8]]}
  model.dropout: {float: [0.0, 0.5], step: 0.1}
  loss.name: {choice: [binary_crossentropy, binary_focal_crossentropy]}
  loss.gamma: {float: [0.5, 5.0], log: true, when: {loss.name: binary_focal_crossentropy}}
budget: {trials: 2, max_epochs: 3}
"""
T = TypeVar("T")
FEW = settings(
    max_examples=8, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
# each example runs five commands: shrinking would take an hour
MANY = settings(FEW, max_examples=100, phases=[Phase.explicit, Phase.generate])


@dataclass(frozen=True)
class Made:
    """A study that has all its trials.

    Attributes:
        root: A folder that holds the study, the images and a working folder, and nothing else.
        folder: The study's.
        store: Its images.
        files: What was in the folder when it was made.
        url: Of the database that holds the record.
    """

    root: Path
    folder: Path
    store: ImageStore
    files: dict[str, bytes] = field(repr=False)
    url: str | None

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        for name, content in self.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def outside(self) -> dict[Path, tuple[int, int]]:
        """Return size and time of every file that is not the study's."""
        return {
            path: (path.stat().st_size, path.stat().st_mtime_ns)
            for path in self.root.rglob("*")
            if path.is_file() and not path.is_relative_to(self.folder)
        }


@pytest.fixture(scope="module")
def make(phantom: ImageStore, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Made]:
    def made(url: str | None = None) -> Made:
        root = tmp_path_factory.mktemp("damaged")
        (root / "work").mkdir()
        store = ImageStore.open(Path(shutil.copytree(phantom.path, root / "store")))
        folder = root / "inner" / "reports" / "s"
        spec = small_spec("s", store, storage=url)
        spec = spec.model_copy(update={"space": parse_space(SPACE).to_dict(), "space_name": "small"})
        study = StudyRecord.create(folder, spec, url=url)
        proposer = Proposer(study, store)
        for _ in range(3):
            record = proposer.next(2)
            assert isinstance(record, TrialRecord)
            finish(study, record)
        files = {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
        return Made(root, folder, store, files, url)

    return made


def search(made: Made) -> None:
    api.search(
        parse_space(SPACE), data=made.store.path, study=made.folder, precision="float32", storage=made.url,
        # a trial that a damaged record takes for unfinished is not trained here
        trial_timeout=0.01,
    )  # fmt: skip


def use(made: Made) -> list[str]:
    """Run all commands on the study as it is; return what each told."""
    study = str(made.folder)
    nowhere = ["--data", str(made.root / "work")]
    told = []
    for call in (
        lambda: app(["doctor", study], standalone_mode=False),
        lambda: app(["report", study], standalone_mode=False),
        # without the images there is nothing to train; all before it is done
        lambda: app(["reproduce", study, *nowhere], standalone_mode=False),
        lambda: search(made),
        lambda: app(["doctor", study, "--mend"], standalone_mode=False),
    ):
        # where a relative path would be seen
        with contextlib.chdir(made.root / "work"):
            try:
                told.append(str(call()))
            except (MammobenchError, PermissionError) as error:
                told.append(str(error))
    return told


def sound_trials(study: StudyRecord) -> dict[int, TrialRecord]:
    records, _ = study.readable_trials()
    return {record.number: record for record in records}


def check(made: Made, damage: Callable[[], object]) -> None:
    """Damage a study, use it, and see that nothing is lost but what was damaged."""
    made.restore()
    before = made.outside()
    damage()
    written = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    use(made)
    assert made.outside() == before
    for path, content in written.items():
        if path.name in {"index.html", "leaderboard.csv"}:
            continue
        copies = [copy.read_bytes() for copy in path.parent.glob(f"{path.name}.damaged-*")]
        assert path.read_bytes().startswith(content) or content in copies, path


def test_a_sound_record_goes_through_all_commands(make: Callable[..., Made]) -> None:
    made = make()
    doctor, report, reproduce, searched, mended = use(made)
    assert (doctor, report, searched, mended) == ("None", "None", "None", "None")
    assert "no image store" in reproduce
    assert sorted(sound_trials(StudyRecord.open(made.folder))) == [0, 1, 2]


class Picks:
    """Takes one of a few things by each of the numbers that Hypothesis drew.

    What there is to choose from comes from a study that a fixture made, which no strategy of a module knows.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = iter(numbers)

    def of(self, choices: Sequence[T]) -> T:
        return choices[next(self._numbers) % len(choices)]


NUMBERS = st.lists(st.integers(0, 2**16), min_size=6, max_size=6)


def damage_to_file(made: Made, picks: Picks) -> Callable[[], object]:
    """Draw a file, a value in it, and what takes its place."""
    name = picks.of(["study.json", "study.journal"])
    values = payloads(made.root / "effect")
    value = picks.of(values)
    path = made.folder / name
    if name == "study.json":
        document = json.loads(made.files[name])
        route: Route = picks.of([(), *routes(document)])
        renamed = picks.of([False, True]) if route else False
        changed = _renamed(document, route) if renamed else _changed(document, route, value)
        return lambda: path.write_text(json.dumps(changed))
    lines = [json.loads(line) for line in made.files[name].decode().splitlines()]
    number = picks.of(range(len(lines)))
    route = picks.of([(), *routes(lines[number])])
    renamed = picks.of([False, True]) if route else False
    lines[number] = _renamed(lines[number], route) if renamed else _changed(lines[number], route, value)
    return lambda: path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def _changed(document: Any, route: Route, value: Any) -> Any:
    return replaced(document, route, value) if route else value


def _renamed(document: Any, route: Route) -> Any:
    """Return the document with another key in place of the last of a way."""
    changed = replaced(document, route, None)
    inside, original = changed, document
    for key in route[:-1]:
        inside, original = inside[key], original[key]
    if isinstance(inside, dict):
        del inside[route[-1]]
        inside[f"{route[-1]}x"] = original[route[-1]]
    return changed


@pytest.fixture(scope="module")
def in_folder(make: Callable[..., Made]) -> Made:
    made = make()
    use(made)
    return made


@FEW
@given(numbers=NUMBERS)
def test_a_damaged_description_or_journal_is_told(in_folder: Made, numbers: list[int]) -> None:
    check(in_folder, damage_to_file(in_folder, Picks(numbers)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@MANY
@given(numbers=NUMBERS)
def test_100_damaged_descriptions_and_journals_are_told(in_folder: Made, numbers: list[int]) -> None:
    check(in_folder, damage_to_file(in_folder, Picks(numbers)))


def test_a_trial_number_that_is_an_object_is_told(in_folder: Made) -> None:
    lines = [json.loads(line) for line in in_folder.files["study.journal"].decode().splitlines()]
    number = next(place for place, line in enumerate(lines) if "intermediate_value" in line)
    lines[number]["trial_id"] = {}
    text = "".join(json.dumps(line) + "\n" for line in lines)
    check(in_folder, lambda: (in_folder.folder / "study.journal").write_text(text))


@pytest.mark.parametrize("part", ["asked", "result"])
def test_one_damaged_trial_leaves_the_others(in_folder: Made, part: str) -> None:
    in_folder.restore()
    sound = sound_trials(StudyRecord.open(in_folder.folder))
    path = in_folder.folder / "study.journal"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if part == "asked" and line["op_code"] == 4 and line["user_attrs"]["asked"]["number"] == 1:
            line["user_attrs"]["asked"]["split"] = "../../evil"
        if part == "result" and line["op_code"] == 8 and line["trial_id"] == 1:
            line["user_attr"]["result"]["objectives"] = "text"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    study = StudyRecord.open(in_folder.folder)
    records, faults = study.readable_trials()
    assert {record.number: record for record in records} == {0: sound[0], 2: sound[2]}
    assert study.trial(2) == sound[2]
    (fault,) = faults
    assert "trial 1" in str(fault)
    assert fault.remedy
    with pytest.raises(MammobenchError, match="damaged trial record"):
        _ = study.trials


TEXTS = {
    "trial_user_attributes": ("value_json",),
    "trial_system_attributes": ("value_json",),
    "study_user_attributes": ("value_json",),
    "trial_params": ("distribution_json", "param_value", "param_name"),
    "trial_values": ("value", "objective"),
    "trial_intermediate_values": ("intermediate_value", "step"),
    "trials": ("number", "datetime_start"),
    "studies": ("study_name",),
}
"""Tables of Optuna's, and the columns of theirs that can hold anything."""


@dataclass(frozen=True)
class InDatabase:
    """A study in a database, and what is needed to have both again as they were made."""

    made: Made
    # Hypothesis warns of an example of many lines in place of telling what failed
    rows: dict[str, list[tuple[Any, ...]]] = field(repr=False)
    """By table and column: each row's primary key and value."""

    def restore(self) -> None:
        name = sqlalchemy.make_url(str(self.made.url)).database
        shared_server().psql(f"DROP DATABASE {name} WITH (FORCE)")
        shared_server().psql(f"CREATE DATABASE {name} TEMPLATE {name}_made")


@pytest.fixture(scope="module")
def in_database(make: Callable[..., Made]) -> InDatabase:
    made = make(shared_server().new_database())
    use(made)
    url = sqlalchemy.make_url(str(made.url)).set(drivername="postgresql+psycopg")
    engine, rows = sqlalchemy.create_engine(url), {}
    with engine.connect() as connection:
        for table, columns in TEXTS.items():
            known = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=engine).c
            (key,) = [each for each in known if each.primary_key]
            for column in columns:
                chosen = sqlalchemy.select(key, known[column]).order_by(key)
                rows[f"{table}.{column}"] = [tuple(row) for row in connection.execute(chosen)]
    engine.dispose()
    shared_server().psql(f"CREATE DATABASE {url.database}_made TEMPLATE {url.database}")
    return InDatabase(made, rows)


def damage_to_row(study: InDatabase, picks: Picks) -> Callable[[], object]:
    """Draw a row, a column of it and what takes its value's place."""
    table = picks.of(sorted(TEXTS))
    column = picks.of(TEXTS[table])
    value = picks.of(payloads(study.made.root / "effect"))
    identity, before = picks.of(study.rows[f"{table}.{column}"])
    if column.endswith("json") and picks.of([False, True]):
        document = json.loads(before)
        route = picks.of([(), *routes(document)])
        value = json.dumps(_changed(document, route, value))
    value = json.dumps(value) if isinstance(value, list | dict) else value
    return lambda: replace_in_row(study, table, column, identity, value)


def replace_in_row(study: InDatabase, table: str, column: str, identity: int, value: Any) -> None:
    study.restore()
    url = sqlalchemy.make_url(str(study.made.url)).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url)
    found = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=engine)
    (key,) = [each for each in found.c if each.primary_key]
    row = sqlalchemy.update(found).where(key == identity)
    with contextlib.suppress(sqlalchemy.exc.StatementError), engine.begin() as connection:
        # what the database refuses cannot stand there
        connection.execute(row.values({column: value}))
    engine.dispose()


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("trial_intermediate_values", "intermediate_value", float("nan")),
        ("trial_values", "value", float("nan")),
        ("study_user_attributes", "value_json", None),
    ],
)
def test_a_value_that_is_no_number_or_no_text(
    in_database: InDatabase, table: str, column: str, value: float | None
) -> None:
    identity, _ = in_database.rows[f"{table}.{column}"][0]
    check(in_database.made, lambda: replace_in_row(in_database, table, column, identity, value))


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("trial_user_attributes", "value_json", "no JSON"),
        ("trial_user_attributes", "value_json", None),
        ("trial_system_attributes", "value_json", "no JSON"),
        ("trial_params", "distribution_json", "no JSON"),
        ("trial_params", "param_value", float("nan")),
        ("trial_values", "value", None),
        ("trial_values", "value", float("nan")),
        ("trial_intermediate_values", "intermediate_value", float("nan")),
    ],
)
def test_one_damaged_row_leaves_the_other_trials(
    in_database: InDatabase, table: str, column: str, value: str | float | None
) -> None:
    in_database.restore()
    sound = sound_trials(StudyRecord.open(in_database.made.folder))
    identity, _ = in_database.rows[f"{table}.{column}"][-1]
    replace_in_row(in_database, table, column, identity, value)
    study = StudyRecord.open(in_database.made.folder)
    records, (fault,) = study.readable_trials()
    assert {record.number: record for record in records} == {0: sound[0], 1: sound[1]}
    assert study.trial(1) == sound[1]
    assert "trial 2: damaged trial record" in str(fault)
    for read in (lambda: study.trials, lambda: study.trial(2)):
        with pytest.raises(MammobenchError, match="damaged trial record"):
            read()


@pytest.mark.xdist_group("postgres")
@FEW
@given(numbers=NUMBERS)
def test_a_damaged_row_of_a_database_is_told(in_database: InDatabase, numbers: list[int]) -> None:
    check(in_database.made, damage_to_row(in_database, Picks(numbers)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.xdist_group("postgres")
@MANY
@given(numbers=NUMBERS)
def test_100_damaged_rows_of_a_database_are_told(in_database: InDatabase, numbers: list[int]) -> None:
    check(in_database.made, damage_to_row(in_database, Picks(numbers)))
