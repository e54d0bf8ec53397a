"""The form in which engines, their samplers and pruners are registered.

`mammobench.tuning.engines.methods` registers those that there are. From the entries follow the checks of
``--engine``, ``--sampler`` and ``--pruner`` and their help, the tables of `mammobench/tuning/README.md`, and
the contract tests. Nothing here loads Optuna or KerasTuner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mammobench.core.registry import Entry


class Package(NamedTuple):
    """An optional package.

    Attributes:
        module: As it is imported.
        title: As its makers write it.
        extra: Of mammobench, which installs it.
    """

    module: str
    title: str
    extra: str


@dataclass(frozen=True, kw_only=True)
class Sampler(Entry):
    """What proposes configurations.

    Attributes:
        where: What the engine makes one from. For Optuna's: a function from
            `mammobench.tuning.engines.optuna_samplers.Draw` to an `optuna.samplers.BaseSampler`; for
            KerasTuner's: a `mammobench.tuning.engines.keras_tuner_oracles.OracleOfRecord`.
        objectives: ``several``, ``one``, or ``ignored`` by a method that learns from none.
        constraints: What limits mean to it.
        conditions: How hyperparameters are drawn that exist only under a condition.
        one_objective: What it says to several, where it takes one.
        package: That it needs besides mammobench's own.
        only_finite: Whether it takes no space with a continuous range.
        notes: For Optuna's, where what it notes with a trial is described (see `optuna_notes`); empty for one
            that notes nothing.
        seeded: Whether another seed gives other proposals.
        continues: Whether it proposes to go on with trials that it proposed before.
        slow: Whether a proposal takes seconds after some hundred trials.
        noted_by: Trials after which it has noted all that it ever does.
    """

    objectives: str = "one"
    constraints: str = "no"
    conditions: str = "yes"
    one_objective: str = ""
    package: Package | None = None
    only_finite: bool = False
    notes: str = ""
    seeded: bool = True
    continues: bool = False
    slow: bool = False
    noted_by: int = 12


@dataclass(frozen=True, kw_only=True)
class Pruner(Entry):
    """What stops trials early.

    Attributes:
        where: For Optuna's: a function from the budget's epochs to an `optuna.pruners.BasePruner`.
        refused: Why it is of no use here, for one that is known by name alone.
    """

    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Library(Entry):
    """A library of search methods behind `mammobench.tuning.engines.base.Engine`.

    Attributes:
        where: Its `Engine`: a callable of a space, and ``sampler``, ``directions``, ``seed`` and `takes` by
            keyword.
        samplers: By name, the default first.
        several: The default for several objectives; empty for the first.
        pruners: By name.
        takes: Those of ``pruner``, ``constraints``, ``terminate``, ``design`` and ``spending`` that it takes.
        lacks: Why it has none of the others, as a clause.
        heavy: Whether loading it takes seconds and some hundred megabytes.
    """

    samplers: Mapping[str, Sampler] = field(default_factory=dict)
    several: str = ""
    pruners: Mapping[str, Pruner] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    lacks: str = ""
    heavy: bool = False
