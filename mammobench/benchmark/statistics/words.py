"""Who wins, and whether it is real, in a sentence or two."""

import math

import pandas as pd

from mammobench.benchmark.statistics.differences import LEVEL
from mammobench.report.text import p_value


def lead_of(
    overall: pd.DataFrame, pairs: pd.DataFrame, *, baseline: str, recommended: str | None, tables: int
) -> str:
    """Return the answer of a comparison.

    Args:
        overall: Of `Assessment`, best first.
        pairs: Of `Assessment`.
        baseline: The method that others are held against.
        recommended: Of `Assessment`.
        tables: How many there are.
    """
    # random search with twice the budget is a yardstick, and no method to choose
    rows = overall[~overall["method"].str.contains("*", regex=False)]
    if len(rows) == 1:
        return f"{rows['method'].iloc[0]} alone was searched with; there is nothing to compare."
    best = str(rows["method"].iloc[0])
    on = f" over {tables} tables" if tables > 1 else ""
    together = pairs[pairs["table"] == "all"] if tables > 1 else pairs
    against = {row["method"]: row for row in together[together["other"] == baseline].to_dict("records")}
    significant = [
        row for method, row in against.items() if method in set(rows["method"]) and row["p"] < 1 - LEVEL
    ]
    better, worse = (sum(sign * row["difference"] > 0 for row in significant) for sign in (-1, 1))
    others = len(rows) - 1
    if best == baseline:
        text = f"No method is better than {baseline}{on}: its regret is the lowest in the mean"
        return f"{text}, and {worse} of {others} others are significantly worse."
    row = against[best]
    alone = math.isnan(row["low"])
    apart = f"{-row['difference']:.3f}"
    apart += "" if alone else f" [{-row['high']:.3f}, {-row['low']:.3f}]"
    sentence = f"{best} has the lowest regret{on}: {apart} less than {baseline} in the mean over time"
    told = (
        ", which one search of each cannot settle"
        if alone
        else {
            "better": f", which is significant (corrected {p_value(row['p'])})",
            "equivalent": (
                f", which is significant (corrected {p_value(row['p'])}) but"
                if row["p"] < 1 - LEVEL
                else ", which is not significant and"
            )
            + " no more than the spread between training seeds",
        }.get(str(row["verdict"]), f", which is not significant (corrected {p_value(row['p'])})")
    )
    first = rows.iloc[0]
    sped = ""
    if math.isfinite(first["speedup"]) and math.isfinite(first["speedup_low"]):
        over = " (median over tables)" if tables > 1 else ""
        sped = (
            f" It reaches what 100 random trainings reach {first['speedup']:.1f} times as fast "
            f"[{first['speedup_low']:.1f}, {first['speedup_high']:.1f}]{over}."
        )
    counted = f" Of the {others} methods besides {baseline}, {better} are significantly better than it."
    advice = (
        f" Recommended: {recommended}."
        if recommended is not None
        else f" None is better than both {baseline} and i-epoch at equal cost."
        if "i-epoch" in set(overall["method"])
        else f" None is recommended over {baseline}."
    )
    return f"{sentence}{told}.{sped}{counted}{advice}"
