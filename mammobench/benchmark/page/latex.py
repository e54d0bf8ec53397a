"""The ranking of methods as a table for LaTeX, with booktabs."""

from mammobench.report.facts import Table
from mammobench.report.latex import escaped


def ranking_in_latex(table: Table) -> str:
    r"""Return a ``tabular`` to ``\input``; it needs booktabs."""
    lines = [
        f"\\begin{{tabular}}{{l{'r' * (len(table.heads) - 1)}}}",
        r"\toprule",
        " & ".join(escaped(head) for head in table.heads) + r" \\",
        r"\midrule",
        *(" & ".join(escaped(cell) for cell in row) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines)
