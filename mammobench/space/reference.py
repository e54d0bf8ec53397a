"""The reference of search spaces: every key, loss, activation, optimizer and objective, and a file's grammar.

`search_spaces/README.md` is `markdown()`; ``python -m mammobench.space.reference`` writes it anew.
"""

from pathlib import Path

from mammobench.core.markdown import table
from mammobench.core.objectives import OBJECTIVES
from mammobench.space.components import ACTIVATIONS, LOSSES, OPTIMIZERS
from mammobench.space.config import TrialConfig
from mammobench.space.keys import Key, all_keys
from mammobench.space.registry import Component
from mammobench.space.yaml_file import shipped_spaces

FILE = Path("search_spaces/README.md")
COMMAND = "uv run python -m mammobench.space.reference"
_GRAMMAR = """\
```yaml
# The lines at the head say what the space is for.
name: mine                  # of the space, and of its study
extends: reference          # optional: a shipped space whose base, and search where none is here, are taken
task: malignancy            # data.task
objective: f1               # optional: training.objective, f1 unless given
image_size: 64              # data.image_size, in pixels
base: {training.batch_size: 32}   # optional: fixed values over the defaults below
search:                     # what an engine may choose
  model.filters: {choice: [[16, 32], [16, 32, 64]]}
  model.convolutions_per_block: {int: [1, 3]}
  model.dropout: {float: [0.0, 0.5], step: 0.1}
  optimizer.learning_rate: {float: [1.0e-4, 1.0e-2], log: true}
  loss.name: {choice: [binary_crossentropy, binary_focal_crossentropy]}
  loss.gamma: {float: [0.5, 5.0], log: true, when: {loss.name: binary_focal_crossentropy}}
budget: {trials: 20, max_epochs: 15}   # trials of a search, and training.max_epochs
```

| form | values |
| --- | --- |
| `{choice: [a, b, ...]}` | one of these, of any type, lists too |
| `{float: [low, high]}` | a number from low to high, both included |
| `{int: [low, high]}` | a whole number from low to high, both included |
| `step: s` beside a range | only low, low + s, low + 2 s, ... to high, which must be among them |
| `log: true` beside a range | drawn on a logarithmic scale; low is above 0, and there is no step |
| `when: {key: value}` beside any of them | only where another searched key has this value, or one of a \
list; several keys must all hold |

A key stands under `base` or under `search`, not under both; `data.task`, `data.image_size`,
`training.objective` and `training.max_epochs` are set at the top. What decides which images validate and
which test (`data.split`, `data.split_seed`, `data.validation_fraction`, `data.test_fraction`, `data.folds`,
`data.fold`, `data.shared_groups`) is not searched, since a search would then select by images that it is
tested on; only `data.split: {choice: [reference, official]}` may be, which shows such a leak. The file is
checked when it is read: an unknown key, a value of another type than its key's, an empty or reversed range,
a condition that cannot hold or a value that no configuration takes is an error with its line.
"""


def markdown() -> str:
    """Return the reference as Markdown."""
    by_section: dict[str, list[Key]] = {}
    for key in all_keys():
        by_section.setdefault(key.key.split(".")[0], []).append(key)
    about = {
        name: field.annotation.__doc__ for name, field in TrialConfig.model_fields.items() if field.annotation
    }
    how = (
        f"Shipped: {', '.join(f'`{name}`' for name in shipped_spaces())}. "
        "`mammobench spaces NAME` shows one, `mammobench spaces FILE` checks one of your own, "
        "`mammobench spaces --keys` prints the keys below."
    )
    parts = [
        "# Search spaces",
        f"<!-- Written by `{COMMAND}`; edit mammobench/space/reference.py, config.py or components.py. -->",
        how,
        "## A file",
        _GRAMMAR.strip(),
        "## Keys",
    ]
    for section, listed in by_section.items():
        parts += [f"### `{section}`", (about[section] or "").strip()]
        rows = ([f"`{key.key}`", key.type, key.range, f"`{key.default}`", key.meaning] for key in listed)
        parts.append(table(("key", "type", "range", "default", "meaning"), rows))
    parts += [
        "## Losses",
        "Each takes the keys named, and `loss.class_weight`; the others of its section are ignored.",
    ]
    rows = (
        [f"`{name}`", "2 or more" if loss.where_of_many else "2", loss.meaning, _takes("loss", loss)]
        for name, loss in LOSSES.items()
    )
    parts.append(table(("`loss.name`", "classes", "meaning", "takes"), rows))
    parts += ["## Activations"]
    rows = ([f"`{name}`", activation.meaning] for name, activation in ACTIVATIONS.items())
    parts.append(table(("`model.activation`", "meaning"), rows))
    parts += ["## Optimizers", "Each takes the rate, its schedule, weight decay and clipping."]
    rows = (
        [f"`{name}`", optimizer.meaning, _takes("optimizer", optimizer)]
        for name, optimizer in OPTIMIZERS.items()
    )
    parts.append(table(("`optimizer.name`", "meaning", "also takes"), rows))
    parts += [
        "## Objectives",
        "Measured on validation; where a threshold is needed, at the one with the best F1.",
    ]
    rows = ([f"`{name}`", each.direction, each.meaning] for name, each in OBJECTIVES.items())
    parts.append(table(("`objective`", "direction", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


def _takes(section: str, component: Component) -> str:
    return ", ".join(f"`{section}.{field}`" for field in component.fields)


if __name__ == "__main__":
    FILE.write_text(markdown(), encoding="utf-8")
