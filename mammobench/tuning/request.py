"""`Request`: a search as it is asked for, told as a `StudySpec` and as a command line."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mammobench.data.store.image_store import ImageStore
from mammobench.space.search_space import SearchSpace
from mammobench.study.artifacts import whole_place
from mammobench.study.design import Design
from mammobench.study.options import STUDY_OPTIONS
from mammobench.study.paths import word_for
from mammobench.study.record import utc_now
from mammobench.study.spec import StudySpec, direction_of
from mammobench.study.storage.url import redacted
from mammobench.training.runtime import describe

LIMITS = {"--max-parameters": "weights", "--max-latency": "latency_ms"}
"""Options that bound a cost; latency is in milliseconds for one image."""

_WRITTEN = (
    "--space", "--data", "--engine", "--sampler", "--split", "--pruner", "--objective", *LIMITS,
    "--stop-when-settled", "--trials",
)  # fmt: skip
"""The order in which commands have been recorded so far; the other options follow as they are declared."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A search as it was asked for.

    Attributes:
        space: What to search, its objective and budget as asked.
        given: How the space was named.
        data: The image store as it was named; None for the demonstration set.
        options: Each of `mammobench.study.options.STUDY_OPTIONS` by name, as `checked_options` returns them,
            with the sampler that is meant.
        objectives: What to optimise; the first is a metric.
        limits: Cost to the most that a configuration may have.
        folder: Of the study.
        split: As asked, if at all.
        trials: As asked, if at all.
        design: The plan of a table of trainings to record.
        keep_epochs: Whether trials keep what they predict after each epoch.
    """

    space: SearchSpace
    given: str
    data: str | None
    options: Mapping[str, Any]
    objectives: tuple[str, ...]
    limits: dict[str, float]
    folder: Path
    split: str | None = None
    trials: int | None = None
    design: Design | None = None
    keep_epochs: bool = False

    @property
    def url(self) -> str | None:
        """URL of the database for the record; None for the study's folder."""
        url: str | None = self.options["storage"]
        return url

    def spec(self, store: ImageStore) -> StudySpec:
        """Return the request as a study's description."""
        options = {name: value for name, value in self.options.items() if value is not None}
        if self.url is not None:
            options["storage"] = redacted(self.url)
        if "artifacts" in options:
            options["artifacts"] = whole_place(options["artifacts"])
        return StudySpec(
            name=self.folder.name,
            space_name=self.space.name,
            space=self.space.to_dict(),
            objective=self.objectives[0],
            objectives=self.objectives,
            direction=direction_of(self.objectives[0]),
            limits=self.limits,
            data=str(store.path.resolve()),
            fingerprint=store.fingerprint,
            store=store.manifest.model_dump(mode="json"),
            versions={key: value for key, value in describe().items() if isinstance(value, str)},
            created=utc_now(),
            command=self.command(),
            design=self.design,
            keep_epochs=self.keep_epochs,
            **options,
        )

    def command(self) -> str:
        """Return the command line that asks the same."""
        asked: dict[str, list[object]] = {
            "--space": [self.given],
            "--data": [self.data],
            "--split": [self.split],
            "--objective": [*self.objectives],
            "--trials": [self.space.budget.trials],
            **{flag: [f"{self.limits[cost]:g}"] for flag, cost in LIMITS.items() if cost in self.limits},
        }
        for name, option in STUDY_OPTIONS.items():
            value = self.options[name]
            if option.said or value != option.default:
                asked[option.flag] = [redacted(value) if name == "storage" else value]
        words = [
            word
            for flag in dict.fromkeys([*_WRITTEN, *asked])
            for value in asked.get(flag, [])
            if value is not None and value is not False
            for word in ((flag,) if value is True else (flag, str(value)))
        ]
        return shlex.join(["mammobench", "search", *words, "--study", word_for(self.folder)])

    def as_it_stands(self, there: StudySpec) -> dict[str, Any]:
        """Return the options of a study that exists of which this request says nothing."""
        stand = {
            name
            for name, option in STUDY_OPTIONS.items()
            if option.stands and self.options[name] == option.default
        }
        # older studies recorded it as it was written, newer ones by its whole path
        asked, known = self.options["artifacts"], there.artifacts
        if asked is not None and known is not None and whole_place(asked) == whole_place(known):
            stand.add("artifacts")
        return {name: getattr(there, name) for name in stand}
