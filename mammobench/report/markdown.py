"""The short report in Markdown (CommonMark with GitHub's tables)."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mammobench.report.digest import Digest

# an underscore within a word is one, as in data.image_size
_SPECIAL = re.compile(r"[\\`*~$|]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9])|\](?=[\[(:])")
_AT_THE_START = re.compile(r"^([-+](?=\s|-|$)|[#=]|\d+(?=[.)](\s|$)))")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def render_markdown(digest: Digest) -> str:
    """Write a digest as Markdown."""
    return templates().get_template("report.md.j2").render(page=digest)


def templates() -> Environment:
    """Return the templates in Markdown: every value is `escaped`, and a name that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("mammobench.report"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - every value passes `finalize`
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    return environment


def escaped(value: object) -> str:
    """Write any value so that Markdown shows it as it is, on one line."""
    line = " ".join(str(value).split())
    line = _SPECIAL.sub(r"\\\g<0>", line)
    line = _AT_THE_START.sub(lambda match: f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}", line)
    return "".join(_MARKUP.get(letter, letter) for letter in line)


def code(value: object) -> Markup:
    """Write any value as a block of code of one line."""
    return Markup("    ") + Markup(" ".join(str(value).split()))  # noqa: S704 - an indented block has no markup


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else escaped(value)
