"""`TrialConfig`: everything that decides a trial's result besides the data and the seed.

Frozen, validated, and written beside every trial. A search space names its fields by dotted keys,
``model.filters`` or ``optimizer.learning_rate``, and `TrialConfig.from_values` builds one from such keys.
"""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mammobench.core.errors import ConfigError
from mammobench.space.components import ACTIVATIONS, LOSSES, OPTIMIZERS
from mammobench.space.registry import OneOf, with_fields_of

TaskName = Literal["malignancy", "abnormality", "lesion-type", "screening", "five-class"]
Activation = Annotated[str, OneOf(ACTIVATIONS)]
LossName = Annotated[str, OneOf(LOSSES)]
OptimizerName = Annotated[str, OneOf(OPTIMIZERS)]
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]

Width = Annotated[int, Field(ge=1, le=4096)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class DataConfig(_Section):
    """Which images the trial sees, and how they reach the model."""

    task: Annotated[TaskName, Field(description="which images take part, and in which classes")] = (
        "malignancy"
    )
    image_size: Annotated[int, Field(ge=16, le=1024, description="side of the square input, in pixels")] = 64
    interpolation: Annotated[
        Literal["area", "bilinear"],
        Field(
            description="how images reach image_size: the mean of the covered pixels, or OpenCV's bilinear"
        ),
    ] = "area"
    split: Annotated[
        Literal["official", "grouped", "reference"],
        Field(
            description="official: the source's test rows; grouped: test drawn by patient and lesion; "
            "reference: the published notebook's, which leaks"
        ),
    ] = "official"
    shared_groups: Annotated[
        Literal["train", "test"],
        Field(description="official: the part that loses patients and lesions that stand in both"),
    ] = "train"
    test_fraction: Annotated[
        float, Field(gt=0, lt=1, description="grouped: share of the images that are held out for test")
    ] = 0.2
    folds: Annotated[
        int, Field(ge=0, le=100, description="grouped: how many folds; 0 holds out the test fraction")
    ] = 0
    fold: Annotated[int, Field(ge=0, description="grouped: the fold that is the test set, from 0")] = 0
    validation_fraction: Annotated[
        float,
        Field(gt=0, lt=1, description="share of the images outside test that validate"),
    ] = 0.2
    split_seed: Annotated[int, Field(ge=0, description="seed of what the split draws")] = 0
    training_share: Annotated[
        float, Field(gt=0, le=1, description="share of the training part that is trained on, in whole groups")
    ] = 1.0
    intensity: Annotated[
        Literal["none", "unit", "min-max", "z-score", "histogram", "clahe"],
        Field(
            description="none keeps 0 to 255; unit divides by 255; the others are per image: histogram "
            "matches a normal distribution, clahe equalises locally (clip 2, tiles of 16 pixels or more)"
        ),
    ] = "unit"


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError("an odd number")
    return size


class ModelConfig(_Section):
    """The network: blocks of convolution, normalisation, activation, pooling and dropout, then a head."""

    filters: Annotated[
        tuple[Width, ...],
        Field(
            min_length=1, max_length=12, description="feature maps of each block; as many blocks as numbers"
        ),
    ] = (32, 64, 128)
    convolutions_per_block: Annotated[
        int, Field(ge=1, le=8, description="convolutions ahead of the pooling")
    ] = 1
    kernel_size: Annotated[
        int,
        Field(ge=1, le=11, description="side of a convolution's kernel, in pixels; odd"),
        AfterValidator(_odd),
    ] = 3
    activation: Annotated[Activation, Field(description="after each normalisation, and in the head")] = "relu"
    normalization: Annotated[
        Literal["none", "batch", "layer", "group"],
        Field(
            description="after a convolution: over a batch, a position's features, or up to 8 groups of them"
        ),
    ] = "none"
    pooling: Annotated[
        Literal["max", "average", "strided"],
        Field(
            description="halves a block's side: over 2 x 2 windows, or by stride 2 of the last convolution"
        ),
    ] = "max"
    dropout: Annotated[
        Rate,
        Field(description="share of values dropped after a block; standard deviation for gaussian_noise"),
    ] = 0.0
    dropout_kind: Annotated[
        Literal["dropout", "spatial", "alpha", "gaussian_noise"],
        Field(description="single values, whole feature maps, alpha dropout (for selu), or added noise"),
    ] = "dropout"
    dropout_from_block: Annotated[
        int, Field(ge=0, description="blocks before this one, counted from 0, have no dropout")
    ] = 0
    residual: Annotated[
        bool, Field(description="a shortcut around each block's convolutions (He et al. 2016)")
    ] = False
    squeeze_excite: Annotated[
        int, Field(ge=0, le=64, description="reduction ratio of the gate; 0 for no gate")
    ] = 0
    separable: Annotated[bool, Field(description="depthwise separable convolutions")] = False
    head: Annotated[
        Literal["flatten", "average", "max"],
        Field(description="what the last feature maps become: all values, or each map's mean or maximum"),
    ] = "average"
    hidden_units: Annotated[
        tuple[Width, ...], Field(max_length=8, description="units of each hidden dense layer of the head")
    ] = ()
    head_dropout: Annotated[Rate, Field(description="as dropout, ahead of each dense layer")] = 0.0
    l2: Annotated[float, Field(ge=0, le=1, description="factor of the L2 penalty of kernels; 0 for none")] = (
        0.0
    )


@with_fields_of(LOSSES)
class LossConfig(_Section):
    """The loss and its hyperparameters, those of one loss alone from its entry; the others' are ignored."""

    name: Annotated[LossName, Field(description="one of the losses below")] = "binary_crossentropy"
    class_weight: Annotated[
        float, Field(ge=0, le=1, description="0: none; 1: inverse to the training prior; between: its power")
    ] = 0.0
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="share of a target that is spread evenly over the classes")
    ] = 0.0
    gamma: Annotated[float, Field(ge=0, le=10, description="focusing of the focal losses")] = 2.0


@with_fields_of(OPTIMIZERS)
class OptimizerConfig(_Section):
    """The optimizer and its schedule."""

    name: Annotated[OptimizerName, Field(description="one of the optimizers below")] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=10, description="the first rate, after the warm-up")] = (
        1e-3
    )
    momentum: Annotated[Rate, Field(description="share of the last step that is kept; sgd and rmsprop")] = 0.0
    weight_decay: Annotated[
        float, Field(ge=0, le=1, description="decoupled from the gradient, for every optimizer")
    ] = 0.0
    clip_norm: Annotated[float, Field(ge=0, description="global gradient norm; 0 for none")] = 0.0
    schedule: Annotated[
        Literal["constant", "cosine", "exponential", "plateau"],
        Field(
            description="the rate falls to 0 or to a hundredth by training.max_epochs, or halves "
            "after 4 epochs without a better objective"
        ),
    ] = "constant"
    warmup_epochs: Annotated[
        int, Field(ge=0, description="epochs over which the rate first rises linearly")
    ] = 0


class AugmentationConfig(_Section):
    """Random changes of the training images, drawn anew each epoch."""

    flips: Annotated[bool, Field(description="left to right and upside down, each with probability 1/2")] = (
        False
    )
    quarter_turns: Annotated[bool, Field(description="by 0, 90, 180 or 270 degrees")] = False
    rotation: Annotated[float, Field(ge=0, le=180, description="at most so many degrees either way")] = 0.0
    zoom: Annotated[float, Field(ge=0, le=0.9, description="at most this share nearer or farther")] = 0.0
    brightness: Annotated[float, Field(ge=0, le=1, description="share of the intensity range")] = 0.0
    contrast: Annotated[float, Field(ge=0, le=1, description="factor within 1 plus or minus this")] = 0.0


class TrainingConfig(_Section):
    """How long and in which steps the model trains."""

    batch_size: Annotated[int, Field(ge=1, le=4096, description="images a step")] = 32
    max_epochs: Annotated[
        int, Field(ge=1, le=10_000, description="epochs at the most, and the length of schedules")
    ] = 30
    patience: Annotated[
        int, Field(ge=0, description="epochs without a better objective before stopping; 0 never stops early")
    ] = 8
    weights: Annotated[
        Literal["best", "last"],
        Field(description="which epoch's weights predict: the best by the objective, or the last"),
    ] = "best"
    objective: Annotated[
        str, Field(description="the validation metric that a search optimises, one of the objectives below")
    ] = "f1"
    precision: Annotated[
        Precision,
        Field(
            description="auto: mixed_bfloat16 where the hardware multiplies bfloat16 matrices, else float32"
        ),
    ] = "auto"


class TrialConfig(_Section):
    """Everything that decides a trial's result besides the data and the seed."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        folds, fold = self.data.folds, self.data.fold
        if folds == 1 or fold >= max(1, folds):
            raise ValueError(
                f"data.folds must be 0 or at least 2, and data.fold below it, found {folds} and {fold}"
            )
        if self.data.task == "five-class" and LOSSES[self.loss.name].where_of_many is None:
            *others, last = (loss.name for loss in LOSSES.values() if loss.where_of_many)
            raise ValueError(
                f"loss.name {self.loss.name} is for two classes and data.task five-class has five; "
                f"use {', '.join(others)} or {last}"
            )
        return self

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Build a configuration from dotted keys over the defaults.

        Args:
            values: For example ``{"model.filters": [16, 32], "loss.name": "dice"}``.

        Raises:
            ConfigError: For an unknown key (the nearest is named) or a value outside its range.
        """
        nested: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            if key not in KEYS:
                raise ConfigError(
                    "unknown key",
                    expected=f"a field of TrialConfig{nearest(key, KEYS)}",
                    found=repr(key),
                    remedy="See `mammobench spaces --keys` for all of them",
                )
            section, field = key.split(".")
            nested.setdefault(section, {})[field] = value
        try:
            return cls.model_validate(nested)
        except ValidationError as error:
            raise _config_error(error) from None

    def values(self) -> dict[str, Any]:
        """Return every field under its dotted key, JSON-compatible (tuples as lists)."""
        return {
            f"{section}.{field}": value
            for section, fields in self.model_dump(mode="json").items()
            for field, value in fields.items()
        }


def check_section(section: str, values: Mapping[str, Any]) -> None:
    """Check some fields of a section by themselves, whatever the others of the configuration are.

    Args:
        section: ``model``, for example.
        values: Field to value.

    Raises:
        ConfigError: For a value outside its range.
    """
    annotation: Any = TrialConfig.model_fields[section].annotation
    try:
        annotation.model_validate(dict(values))
    except ValidationError as error:
        raise _config_error(error, section) from None


def nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name nearest to a misspelt one, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _config_error(error: ValidationError, *section: str) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in (*section, *first["loc"])[:2])
    if not key:
        return ConfigError(first["msg"].removeprefix("Value error, "))
    return ConfigError(
        "value not allowed",
        where=key,
        expected=first["msg"].removeprefix("Value error, ").removeprefix("Input should be "),
        found=repr(first["input"]),
    )


def _keys() -> dict[str, Any]:
    sections = {name: field.annotation for name, field in TrialConfig.model_fields.items()}
    return {
        f"{name}.{field}": info
        for name, section in sections.items()
        if section is not None
        for field, info in section.model_fields.items()
    }


KEYS: dict[str, Any] = _keys()
"""Every dotted key, with pydantic's `FieldInfo`."""

TASKS: tuple[str, ...] = get_args(TaskName)
