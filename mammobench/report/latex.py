"""The short report in LaTeX: a document that any engine sets, its table with booktabs."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from mammobench.report.digest import Digest

_WRITTEN = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
    '"': r"\textquotedbl{}", "-": "{-}", "[": "{[}", "]": "{]}", "*": "{*}",
    "\u2212": r"\ensuremath{-}", "\u2013": r"\textendash{}", "\u2014": r"\textemdash{}",
    "\u2018": r"\textquoteleft{}", "\u2019": r"\textquoteright{}", "\u201c": r"\textquotedblleft{}",
    "\u201d": r"\textquotedblright{}", "\u2026": r"\ldots{}", "\u00a0": "~", "\u2022": r"\textbullet{}",
    "\u00d7": r"\texttimes{}", "\u00b7": r"\textperiodcentered{}", "\u2264": r"\ensuremath{\leq}",
    "\u2265": r"\ensuremath{\geq}",
}  # fmt: skip
_LAST_LATIN = 0x17F


def render_latex(digest: Digest) -> str:
    """Write a digest as a LaTeX document."""
    templates = Environment(
        loader=PackageLoader("mammobench.report"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - every value passes `finalize`
        finalize=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    return templates.get_template("report.tex.j2").render(page=digest)


def escaped(value: object) -> str:
    """Write any value so that LaTeX sets it as it is, on one line.

    Letters beyond Latin, for which the usual fonts have no glyph, become their number: ``[U+4E2D]``.
    """
    return "".join(map(_letter, " ".join(str(value).split())))


def _letter(letter: str) -> str:
    if letter in _WRITTEN:
        return _WRITTEN[letter]
    if ord(letter) > _LAST_LATIN or not letter.isprintable():
        return f"{{[}}U+{ord(letter):04X}{{]}}"
    return letter
