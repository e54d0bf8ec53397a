"""The parts of the READMEs that follow from what is registered; this module writes them anew.

``python -m mammobench.cli.reference`` writes every page of `PAGES`, and `search_spaces/README.md`.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import typer

import mammobench.space.reference as spaces
from mammobench.cli import app
from mammobench.core.markdown import table, with_part
from mammobench.data.sources.layouts import LAYOUTS
from mammobench.tuning.engines.methods import ENGINES, PRUNERS

COMMAND = "uv run python -m mammobench.cli.reference"
_PACKAGE = Path(spaces.__file__).parents[1]


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name, ``search`` or ``data prepare``, in the order of ``--help``."""
    root = typer.main.get_command(app)
    for name, command in getattr(root, "commands", {}).items():
        below = getattr(command, "commands", {name: command})
        yield from ((name if sub == name else f"{name} {sub}", item) for sub, item in below.items())


def commands_page() -> str:
    """Lay out each command with its example."""
    rows = []
    for name, command in commands():
        text = command.help or ""
        example = re.search(r"Example: (`.+?`)", text)
        rows.append([f"`{name}`", " ".join(text.split("\n\n")[0].split()), example[1] if example else ""])
    return table(("command", "what it does", "example"), rows)


def methods_page() -> str:
    """Lay out each engine's samplers, and the pruners."""
    samplers = [
        [
            f"`{library.name}`",
            f"`{name}`" + (f" (extra `{each.package.extra}`)" if each.package else ""),
            each.meaning + ("; needs a finite space" if each.only_finite else ""),
            each.objectives,
            each.constraints,
            each.conditions,
        ]
        for library in ENGINES.values()
        for name, each in library.samplers.items()
    ]
    pruners = [[f"`{name}`", each.meaning] for name, each in PRUNERS.items() if not each.refused]
    heads = ("`--engine`", "`--sampler`", "method", "objectives", "limits", "hyperparameters with conditions")
    return "\n\n".join([table(heads, samplers), table(("`--pruner`", "stops a trial"), pruners)])


def sources_page() -> str:
    """Lay out each layout that `data prepare` knows."""
    # OpenCV and pandas, which no command's help needs
    from mammobench.data.sources.registry import SOURCES

    rows = [
        [
            f"`{name}`",
            LAYOUTS[name].meaning,
            source.looks_for,
            ", ".join(f"`--{option.replace('_', '-')}`" for option in sorted(source.takes)),
        ]
        for name, source in SOURCES.items()
    ]
    return table(("`--format`", "data set", "recognised by", "options"), rows)


PAGES: dict[Path, dict[str, Callable[[], str]]] = {
    _PACKAGE / "cli" / "README.md": {"commands": commands_page},
    _PACKAGE / "data" / "README.md": {"sources": sources_page},
    _PACKAGE / "tuning" / "README.md": {"methods": methods_page},
}
"""Each page with its written parts by name."""


def renewed(page: Path) -> str:
    """Return a page with its written parts as they should be."""
    text = page.read_text(encoding="utf-8")
    for name, write in PAGES[page].items():
        text = with_part(text, name, write())
    return text


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(renewed(path), encoding="utf-8")
    spaces.FILE.write_text(spaces.markdown(), encoding="utf-8")
