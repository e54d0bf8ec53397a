"""The losses, activations and optimizers that a search space may name: the one place to register another.

A new one is a class or function in a file of its own, unless Keras has it, and one entry here: see
`mammobench.space.registry` for what an entry says and for all that follows from it. A loss goes behind the
others: records have the keys of losses in this order.
"""

from typing import Annotated

from pydantic import Field

from mammobench.core.registry import register
from mammobench.space.registry import Activation, Loss, Optimizer

LOSSES: dict[str, Loss] = {}
ACTIVATIONS: dict[str, Activation] = {}
OPTIMIZERS: dict[str, Optimizer] = {}

_LOSSES = "mammobench.models.losses"
_POINTWISE = "mammobench.models.pointwise_losses"
_BATCH = "mammobench.models.batch_losses"


def _number(
    default: float,
    description: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> tuple[object, object]:
    return Annotated[float, Field(description=description, ge=ge, gt=gt, le=le, lt=lt)], default


def _of_keras(
    name: str, meaning: str, *, non_decreasing: bool = False, initializer: str = "GlorotUniform"
) -> Activation:
    return Activation(
        name=name,
        meaning=meaning,
        where=f"keras.activations:{name}",
        non_decreasing=non_decreasing,
        initializer=f"keras.initializers:{initializer}",
    )


register(
    LOSSES,
    Loss(
        name="binary_crossentropy",
        meaning="Keras's cross-entropy of two classes",
        where="keras.losses:BinaryCrossentropy",
        shared=("label_smoothing",),
    ),
    Loss(
        name="binary_focal_crossentropy",
        meaning="focal loss of two classes (Lin et al. 2017)",
        where="keras.losses:BinaryFocalCrossentropy",
        shared=("label_smoothing", "gamma"),
    ),
    Loss(
        name="categorical_crossentropy",
        meaning="cross-entropy; of two classes the same as `binary_crossentropy`",
        where="keras.losses:BinaryCrossentropy",
        where_of_many="keras.losses:CategoricalCrossentropy",
        shared=("label_smoothing",),
    ),
    Loss(
        name="categorical_focal_crossentropy",
        meaning="focal loss; of two classes the same as `binary_focal_crossentropy`",
        where="keras.losses:BinaryFocalCrossentropy",
        where_of_many=f"{_LOSSES}:categorical_focal",
        shared=("label_smoothing", "gamma"),
    ),
    Loss(
        name="hinge",
        meaning="hinge loss of the logit",
        where=f"{_POINTWISE}:HingeOfLogit",
    ),
    Loss(
        name="squared_hinge",
        meaning="squared hinge loss of the logit",
        where=f"{_POINTWISE}:SquaredHingeOfLogit",
    ),
    Loss(
        name="dice",
        meaning="Dice loss of the batch (Milletari et al. 2016), one minus a soft F1",
        where=f"{_BATCH}:Dice",
        where_of_many=f"{_BATCH}:Dice",
    ),
    Loss(
        name="tversky",
        meaning="Tversky loss of the batch (Salehi et al. 2017)",
        where=f"{_LOSSES}:tversky",
        where_of_many=f"{_LOSSES}:tversky",
        own={
            "alpha": _number(0.5, "Tversky's weight of false positives", ge=0, le=1),
            "beta": _number(0.5, "Tversky's weight of false negatives", ge=0, le=1),
        },
    ),
    Loss(
        name="categorical_generalized_crossentropy",
        meaning="generalised cross-entropy (Zhang and Sabuncu 2018), robust to wrong labels",
        where=f"{_POINTWISE}:GeneralizedCrossentropy",
        where_of_many=f"{_POINTWISE}:GeneralizedCrossentropy",
        own={
            "q": _number(
                0.7, "generalised cross-entropy: near 0 cross-entropy, at 1 the absolute error", gt=0, le=1
            )
        },
    ),
    Loss(
        name="asymmetric",
        meaning="asymmetric focal loss (Ridnik et al. 2021)",
        where=f"{_POINTWISE}:Asymmetric",
        own={
            "gamma_positive": _number(0.0, "asymmetric loss: focusing of positives", ge=0, le=10),
            "gamma_negative": _number(4.0, "asymmetric loss: focusing of negatives", ge=0, le=10),
            "clip": _number(
                0.05, "asymmetric loss: probability up to which a negative costs nothing", ge=0, lt=1
            ),
        },
    ),
    Loss(
        name="logit_adjusted",
        meaning="cross-entropy of logits shifted by the prior (Menon et al. 2021)",
        where=f"{_POINTWISE}:LogitAdjusted",
        where_of_many=f"{_POINTWISE}:LogitAdjusted",
        own={"tau": _number(1.0, "logit adjustment: strength of the prior", ge=0, le=10)},
        takes_prior=True,
    ),
    Loss(
        name="auc_margin",
        meaning="AUC-margin loss of the batch (Yuan et al. 2021)",
        where=f"{_BATCH}:AucMargin",
        own={
            "margin": _number(
                1.0, "AUC-margin loss: distance wanted between the classes' mean scores", gt=0, le=10
            )
        },
    ),
)

register(
    ACTIVATIONS,
    _of_keras("relu", "max(x, 0)", non_decreasing=True),
    _of_keras("relu6", "min(max(x, 0), 6)", non_decreasing=True),
    _of_keras("leaky_relu", "x, below zero 0.2 x", non_decreasing=True),
    _of_keras("elu", "x, below zero exp(x) - 1", non_decreasing=True),
    _of_keras(
        "selu",
        "scaled elu (Klambauer et al. 2017), with kernels from LeCun's normal distribution",
        non_decreasing=True,
        initializer="LecunNormal",
    ),
    _of_keras("celu", "continuously differentiable elu", non_decreasing=True),
    _of_keras("gelu", "x times the standard normal distribution function of x"),
    _of_keras("silu", "x sigmoid(x), also called swish"),
    _of_keras("mish", "x tanh(softplus(x))"),
    _of_keras("softplus", "log(1 + exp(x))", non_decreasing=True),
    _of_keras("softsign", "x / (1 + abs(x))", non_decreasing=True),
    _of_keras("hard_silu", "x hard_sigmoid(x)"),
    _of_keras("sigmoid", "1 / (1 + exp(-x))", non_decreasing=True),
    _of_keras("hard_sigmoid", "x / 6 + 0.5, cut at 0 and 1", non_decreasing=True),
    _of_keras("tanh", "hyperbolic tangent", non_decreasing=True),
    _of_keras("hard_tanh", "x, cut at -1 and 1", non_decreasing=True),
    _of_keras("linear", "x", non_decreasing=True),
)

register(
    OPTIMIZERS,
    Optimizer(
        name="sgd",
        meaning="stochastic gradient descent",
        where="keras.optimizers:SGD",
        shared=("momentum",),
    ),
    Optimizer(name="rmsprop", meaning="RMSprop", where="keras.optimizers:RMSprop", shared=("momentum",)),
    Optimizer(name="adam", meaning="Adam (Kingma and Ba 2015)", where="keras.optimizers:Adam"),
    Optimizer(name="adamw", meaning="Adam; Keras's AdamW", where="keras.optimizers:AdamW"),
    Optimizer(name="nadam", meaning="Adam with Nesterov momentum", where="keras.optimizers:Nadam"),
    Optimizer(name="adamax", meaning="Adam of the infinity norm", where="keras.optimizers:Adamax"),
    Optimizer(name="lion", meaning="Lion (Chen et al. 2023)", where="keras.optimizers:Lion"),
    Optimizer(name="lamb", meaning="LAMB (You et al. 2020)", where="keras.optimizers:Lamb"),
    Optimizer(
        name="muon",
        meaning="Muon for the matrices of hidden dense layers, AdamW for all else",
        where="mammobench.models.optimizers:muon",
    ),
)
