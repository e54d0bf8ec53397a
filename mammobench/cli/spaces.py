"""`spaces`: list the search spaces, show one, check a file."""

from typing import Annotated

import typer

from mammobench.cli.options import Json
from mammobench.cli.printing import print_json, print_rows, print_words
from mammobench.core.invocation import as_started

app = typer.Typer()


@app.command()
def spaces(
    name: Annotated[str | None, typer.Argument(help="A space to show, or a YAML file to check.")] = None,
    keys: Annotated[bool, typer.Option("--keys", help="List every key that a space may set.")] = False,
    as_json: Json = False,
) -> None:
    """List the search spaces; show one with its size; check a file.

    Example: `mammobench spaces quick`
    """
    from mammobench.space.yaml_file import load_space, shipped_spaces

    if keys:
        from mammobench.space.keys import Key, all_keys

        print_rows(list(Key._fields), [list(key) for key in all_keys()], as_json=as_json)
    elif name is None:
        listed = [load_space(shipped) for shipped in shipped_spaces()]
        rows = [
            [space.name, space.task, f"{space.image_size} px", _size(space.size), str(space.budget.trials),
             _summary(space.description)]
            for space in listed
        ]  # fmt: skip
        print_rows(["space", "task", "images", "size", "trials", "what for"], rows, as_json=as_json)
    else:
        space = load_space(name)
        if as_json:
            print_json({**space.to_dict(), "size": space.size})
            return
        budget = f"{space.budget.trials} trials of at most {space.budget.max_epochs} epochs"
        print_words(
            f"{space.name}: {_size(space.size)}, {budget}, {space.task} at {space.image_size} px, "
            f"by {space.objective}\n{as_started(space.description)}\n"
        )
        rows = [
            [item.key, item.describe(), ", ".join(f"{key} = {' or '.join(map(str, when))}"
                                                  for key, when in item.when.items())]
            for item in space.hyperparameters
        ]  # fmt: skip
        print_rows(["hyperparameter", "values", "only where"], rows, as_json=False)


def _size(size: float) -> str:
    return "continuous" if size == float("inf") else f"{size:,.0f} configurations"


def _summary(description: str) -> str:
    lines = [line for line in description.splitlines() if not line.startswith("mammobench ")]
    return " ".join(lines).split(". ")[0].rstrip(".")
