"""The engines, samplers and pruners that a search may name: the one place to register another.

A new one is a class or function in a file of its own, unless its library has it, and one entry here: see
`mammobench.tuning.engines.registry` for what an entry says and for all that follows from it.
"""

from mammobench.core.registry import register
from mammobench.tuning.engines.registry import Library, Package, Pruner, Sampler

_HERE = "mammobench.tuning.engines"
_OPTUNA = f"{_HERE}.optuna_samplers"
_NOTES = f"{_HERE}.optuna_notes"
_PRUNERS = f"{_HERE}.optuna_pruners"
_ORACLES = f"{_HERE}.keras_tuner_oracles"
_FAILED = "as failed trials"
_PYTORCH = Package("torch", "PyTorch", "gp")

OPTUNA: dict[str, Sampler] = {}
PRUNERS: dict[str, Pruner] = {}
KERAS_TUNER: dict[str, Sampler] = {}
OWN: dict[str, Sampler] = {}
SMAC: dict[str, Sampler] = {}
DESIGNS: dict[str, Sampler] = {}
ENGINES: dict[str, Library] = {}

register(
    OPTUNA,
    Sampler(
        name="tpe",
        meaning="tree-structured Parzen estimator (Watanabe 2023); learns from pruned trials too",
        where=f"{_OPTUNA}:tpe",
        objectives="several",
        constraints="yes",
        conditions="with those of the same condition",
    ),
    Sampler(
        name="tpe-univariate",
        meaning="tree-structured Parzen estimator, each hyperparameter by itself (Bergstra et al. 2011)",
        where=f"{_OPTUNA}:tpe_univariate",
        objectives="several",
        constraints="yes",
        conditions="by itself, as every hyperparameter",
    ),
    Sampler(
        name="random",
        meaning="uniform at random",
        where=f"{_OPTUNA}:random",
        objectives="ignored",
        constraints="ignored",
    ),
    Sampler(
        name="gp",
        meaning="Gaussian process, log expected improvement",
        where=f"{_OPTUNA}:gp",
        objectives="several",
        constraints="yes",
        conditions="at random",
        package=_PYTORCH,
        slow=True,
    ),
    Sampler(
        name="cmaes",
        meaning="CMA-ES (Hansen 2016)",
        where=f"{_OPTUNA}:cmaes",
        constraints="as bad objectives",
        conditions="at random, as are choices",
        one_objective="CMA-ES searches for one objective",
        notes=f"{_NOTES}:of_cmaes",
        noted_by=24,
    ),
    Sampler(
        name="qmc",
        meaning="scrambled Sobol' sequence",
        where=f"{_OPTUNA}:qmc",
        objectives="ignored",
        constraints="ignored",
        conditions="a coordinate each, unused where they do not exist",
        notes=f"{_NOTES}:of_qmc",
    ),
    Sampler(
        name="grid",
        meaning="every configuration once, in random order",
        where=f"{_OPTUNA}:grid",
        objectives="ignored",
        constraints="ignored",
        only_finite=True,
    ),
    Sampler(
        name="nsga2",
        meaning="NSGA-II (Deb et al. 2002)",
        where=f"{_OPTUNA}:nsga2",
        objectives="several",
        constraints="yes",
        conditions="at random",
        notes=f"{_NOTES}:of_nsga2",
        noted_by=44,
    ),
)

register(
    PRUNERS,
    Pruner(name="none", meaning="never", where=f"{_PRUNERS}:none"),
    Pruner(
        name="median",
        meaning="whose best epoch so far is worse than the median of finished trials at this epoch",
        where=f"{_PRUNERS}:median",
    ),
    Pruner(
        name="asha",
        meaning="that is not in the best third at epochs r, 3r, 9r... (Li et al. 2020)",
        where=f"{_PRUNERS}:asha",
    ),
    Pruner(
        name="hyperband",
        meaning="as asha, in brackets that begin to stop at r, 3r, 9r... (Li et al. 2018)",
        where=f"{_PRUNERS}:hyperband",
    ),
    Pruner(
        name="wilcoxon",
        meaning="that is worse than the best over paired results",
        where="optuna.pruners:WilcoxonPruner",
        refused="asks whether a trial is worse than the best one over paired results that are independent, "
        "such as the folds of a cross-validation; the epochs of one training are not, and its p-values would "
        "mean nothing",
    ),
)

register(
    KERAS_TUNER,
    Sampler(
        name="random", meaning="uniform at random", where=f"{_ORACLES}:RandomOracle", constraints=_FAILED
    ),
    Sampler(
        name="bayesian",
        meaning="Gaussian process, upper confidence bound (Srinivas et al. 2010)",
        where=f"{_ORACLES}:BayesianOracle",
        constraints=_FAILED,
    ),
    Sampler(
        name="hyperband",
        meaning="Hyperband (Li et al. 2018); what it promotes goes on from its checkpoint",
        where=f"{_ORACLES}:HyperbandOracle",
        constraints=_FAILED,
        continues=True,
    ),
    Sampler(
        name="grid",
        meaning="every combination in order; ten values of a continuous range, and its lower end",
        where=f"{_ORACLES}:GridOracle",
        constraints=_FAILED,
        seeded=False,
    ),
)

register(
    OWN,
    Sampler(
        name="i-epoch",
        meaning="all for one epoch, then the best to the end (Egele et al. 2023)",
        where=f"{_HERE}.i_epoch:IEpochEngine",
        constraints="as failed trials",
        conditions="at random",
        continues=True,
    ),
    Sampler(
        name="asha",
        meaning="asynchronous successive halving with promotion (Li et al. 2020)",
        where=f"{_HERE}.successive_halving:AshaEngine",
        constraints="as failed trials",
        conditions="at random",
        continues=True,
    ),
)

register(
    SMAC,
    Sampler(
        name="smac",
        meaning="random forest, expected improvement (Lindauer et al. 2022)",
        where=f"{_HERE}.smac:SmacEngine",
        constraints="as failed trials",
        package=Package("smac", "SMAC", "smac"),
        slow=True,
    ),
)

register(
    DESIGNS,
    Sampler(
        name="sobol",
        meaning="scrambled Sobol' sequence, each configuration with several training seeds",
        where=f"{_HERE}.design:sobol_design",
        objectives="ignored",
        constraints="ignored",
        conditions="a coordinate each, unused where they do not exist",
    ),
)

register(
    ENGINES,
    Library(
        name="optuna",
        meaning="Optuna's samplers and pruners",
        where=f"{_HERE}.optuna:OptunaEngine",
        samplers=OPTUNA,
        several="nsga2",
        pruners=PRUNERS,
        takes=("pruner", "constraints", "terminate"),
    ),
    Library(
        name="keras-tuner",
        meaning="KerasTuner's oracles",
        where=f"{_HERE}.keras_tuner:KerasTunerEngine",
        samplers=KERAS_TUNER,
        lacks="its oracles see no epochs, and end when their method does",
        heavy=True,
    ),
    Library(
        name="mammobench",
        meaning="multi-fidelity methods that go on from checkpoints",
        where=f"{_HERE}.own:own_engine",
        samplers=OWN,
        takes=("spending",),
        lacks="its methods end trials at their own epochs",
    ),
    Library(
        name="smac",
        meaning="SMAC's facade for hyperparameter optimisation",
        where=f"{_HERE}.smac:SmacEngine",
        samplers=SMAC,
        lacks="it is told of whole trainings",
    ),
    Library(
        name="design",
        meaning="a plan of configurations and training seeds, for `mammobench record`",
        where=f"{_HERE}.design:DesignEngine",
        samplers=DESIGNS,
        takes=("constraints", "design"),
        lacks="it learns nothing from its trials",
    ),
)


def sampler_help() -> str:
    """Return ``optuna: tpe, random...; keras-tuner: ...``."""
    return "; ".join(f"{name}: {', '.join(library.samplers)}" for name, library in ENGINES.items())


def pruner_help() -> str:
    """Return the pruners that there are, ``none, median...``."""
    return ", ".join(name for name, pruner in PRUNERS.items() if not pruner.refused)
