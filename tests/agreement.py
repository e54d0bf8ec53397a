"""Whether all that a report says twice is the same, and is what its table of scores has.

Numbers are printed and sentences are read here by code of its own: what the page prints is held against the
CSV beside it.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from math import isnan, nan
from pathlib import Path

from tests.page_reader import ReadPage

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
CLASSES = (0, 1)
Row = Mapping[str, str]
Check = tuple[str, object, object]
"""What is compared, what is found, and what is expected."""


def number(row: Row, column: str) -> float:
    """Return a cell of the CSV; NaN where it is empty."""
    return float(row.get(column) or "nan")


def printed(value: float, sign: str = "") -> str:
    """Print with three decimals."""
    return DASH if isnan(value) else f"{value:{sign}.3f}".replace("-", MINUS if sign else "-")


def with_ends(row: Row, column: str, sign: str = "") -> str:
    """Print a score and its interval."""
    score, low, high = (printed(number(row, f"{column}{end}"), sign) for end in ("", "_low", "_high"))
    return score if DASH in {low, high} else f"{score} [{low}, {high}]"


class Report:
    """A written page and the CSV beside it.

    Attributes:
        page: What stands on it.
        rows: Of the table beside it, as words.
        by_name: The same, by the name of the model.
        selected: The one that validation selected; None before there is one.
        compared: How many comparisons each check has made.
    """

    def __init__(self, page: Path) -> None:
        self.page = ReadPage(page.read_text("utf-8"))
        with page.with_name("leaderboard.csv").open(encoding="utf-8", newline="") as file:
            self.rows: list[Row] = list(csv.DictReader(file))
        self.compared = Counter[str]()
        self.by_name = {row["name"]: row for row in self.rows}
        self.selected: Row | None = next((row for row in self.rows if row["selected"] == "True"), None)

    def faults(self) -> list[str]:
        """Return every disagreement."""
        checks: tuple[Callable[[], Iterator[Check]], ...] = (
            self._inside, self._picture, self._ranking, self._script, self._slices, self._recall,
            self._figures, self._confusions, self._checklist, self._replicates, self._stress,
        )  # fmt: skip
        made = [(check.__name__, *one) for check in checks for one in check()]
        self.compared.update(name for name, *_ in made)
        return [
            f"{name}: {what}: found {found!r}, expected {wanted!r}"
            for name, what, found, wanted in made
            if found != wanted
        ]

    def _inside(self) -> Iterator[Check]:
        """Each interval contains its score, and a score that is not defined has none."""
        for row in self.rows:
            for column in row:
                if f"{column}_low" not in row:
                    continue
                low, point, high = (number(row, f"{column}{end}") for end in ("_low", "", "_high"))
                # the ends of some are of lower precision than the score
                inside = low - 1e-6 <= point <= high + 1e-6 or (isnan(low) and isnan(high))
                yield f"{row['name']} {column} {low} {point} {high}", inside, True
                if isnan(point):
                    yield f"{row['name']} {column}", (isnan(low), isnan(high)), (True, True)

    def _picture(self) -> Iterator[Check]:
        table = next(table for table in self.page.tables if table.kind == "strip")
        for name, shown, *_ in table.rows[1:]:
            yield name, shown, with_ends(self.by_name[name], "test_f1")

    def _ranking(self) -> Iterator[Check]:
        table = next(table for table in self.page.tables if table.kind == "ranking")
        yield "rows", [row[1] for row in table.rows[1:]], [row["name"] for row in self.rows]
        columns = [column for column in self.page.data["columns"] if column["shown"]]
        for cells in table.rows[1:]:
            row = self.by_name[cells[1]]
            for column, cell in zip(columns, cells, strict=True):
                key, what = column["key"], f"{row['name']} {column['key']}"
                if column["kind"] == "interval":
                    yield what, cell, with_ends(row, key)
                elif key == "difference":
                    words = {
                        "better": "significantly better", "worse": "significantly worse",
                        "not significantly different": "not significant", "": "",
                    }[row["verdict"]]  # fmt: skip
                    score = DASH if row is self.selected else printed(number(row, key), "+")
                    yield what, cell, f"{score} {words}".strip()
                elif key == "rank":
                    yield what, cell, row["rank"]

    def _script(self) -> Iterator[Check]:
        """What the script shows once it has laid the table out anew."""
        for column in self.page.data["columns"]:
            if column["form"] not in {"score", "signed"}:
                continue
            sign, key = "+" if column["form"] == "signed" else "", column["key"]
            for place, row in enumerate(self.rows):
                if key == "difference" and row is self.selected:
                    continue
                for end, values in (("", "values"), ("_low", "low"), ("_high", "high")):
                    if values in column:
                        found, known = column[values][place], number(row, f"{key}{end}")
                        shown = printed(nan if found is None else found, sign)
                        yield f"{row['name']} {key}{end} {known}", shown, printed(known, sign)

    def _slices(self) -> Iterator[Check]:
        table = next((table for table in self.page.tables if table.caption.endswith("by subgroup")), None)
        if table is None:
            return
        name = table.caption.removesuffix(" by subgroup")
        row = next(row for row in self.rows if row["name"] in {name, name[0].lower() + name[1:]})
        if self.selected is not None:
            yield "of the selected one", row["name"], self.selected["name"]
        slices = table.by_name()
        for head, metric in (
            ("F1", "f1"),
            ("recall", "recall"),
            ("precision", "precision"),
            ("accuracy",) * 2,
        ):
            yield f"all, {metric}", slices["all"][head], with_ends(row, f"test_{metric}")
        for kind in ("calcification", "mass"):
            if row.get(f"test_recall_{kind}") and f"lesion type {kind}" in slices:
                found = slices[f"lesion type {kind}"]["recall"]
                yield f"recall of {kind}", found, with_ends(row, f"test_recall_{kind}")
        two = any(
            table.kind == "matrix" and len(table.rows) == len(CLASSES) + 1 for table in self.page.tables
        )
        for title, cells in slices.items():
            if two and cells["positives"] in {"0", cells["images"]}:
                yield f"{title} of one class", (cells["F1"], cells["precision"]), (DASH, DASH)

    def _recall(self) -> Iterator[Check]:
        table = self.page.table("Recall by lesion type")
        for name, everything, *kinds in table.rows[1:] if table else ():
            row = self.by_name[name]
            yield f"{name}, all", everything, with_ends(row, "test_recall")
            for kind, cell in zip(("calcification", "mass"), kinds, strict=True):
                yield f"{name}, {kind}", cell, with_ends(row, f"test_recall_{kind}")

    def _figures(self) -> Iterator[Check]:
        for metric, words in (("f1", "F1"), ("accuracy", "accuracy")):
            for title, series in self.page.figures.items():
                if title.startswith(f"Test {words} with"):
                    for told in series:
                        name, shown = told["values"]
                        yield f"{title}, {name}", shown, with_ends(self.by_name[name], f"test_{metric}")
        for title, column in (("ROC", "test_auroc"), ("Precision and recall", "test_auprc")):
            for words in self.page.words.get(title, ()):
                name, _, score = words.rpartition("  ") if "  " in words else words.rpartition(" ")
                if name.strip() in self.by_name:
                    yield f"{title}, {name}", score, printed(number(self.by_name[name.strip()], column))

    def _confusions(self) -> Iterator[Check]:
        for table in self.page.tables:
            if table.kind != "matrix":
                continue
            row = self.by_name[table.caption]
            counts = [
                [int(cell.split()[0].replace(",", "")) for cell in cells[1:]] for cells in table.rows[1:]
            ]
            right = sum(counts[place][place] for place in range(len(counts)))
            accuracy = right / sum(map(sum, counts))
            yield f"{table.caption}, accuracy", printed(accuracy), printed(number(row, "test_accuracy"))
            if len(counts) == 2:
                called = 2 * counts[1][1] + counts[0][1] + counts[1][0]
                f1 = 2 * counts[1][1] / called if called else nan
                yield f"{table.caption}, F1", printed(f1), printed(number(row, "test_f1"))

    def _checklist(self) -> Iterator[Check]:
        titles = {"F1": "f1", "accuracy": "accuracy", "recall": "recall", "precision": "precision",
                  "AUROC": "auroc", "AUPRC": "auprc", "Brier score": "brier",
                  "sensitivity": "recall", "specificity": "specificity"}  # fmt: skip
        for table in self.page.tables:
            if self.selected is None or table.caption[:5] not in {"CLAIM", "TRIPO"}:
                continue
            for cells in table.rows[1:]:
                said = re.findall(r"(?:^|; |: )([A-Za-z1 ]+) (\d\.\d{3}(?: \[[^\]]*\])?)(?=[;.])", cells[-1])
                for title, shown in said:
                    if title in titles:
                        wanted = with_ends(self.selected, f"test_{titles[title]}")
                        yield f"{table.caption} {cells[0]} {title}", shown, wanted

    def _replicates(self) -> Iterator[Check]:
        table = self.page.table("Replicates")
        for name, searched, seeds, *scores in table.rows[1:] if table else ():
            row = self.by_name[name]
            yield f"{name} as searched", searched, with_ends(row, "test_f1")
            yield f"{name} seeds", int(seeds), round(number(row, "replicates"))
            for metric, cell in zip(("f1", "accuracy"), scores, strict=True):
                mean, sd, low, high = (
                    printed(number(row, f"replicate_{metric}_{what}"))
                    for what in ("mean", "sd", "lowest", "highest")
                )
                deviation = "" if sd == DASH else f" ± {sd}"
                yield f"{name} {metric}", cell, f"{mean}{deviation} ({low} to {high})"

    def _stress(self) -> Iterator[Check]:
        for metric, words in (("f1", "F1"), ("accuracy", "accuracy")):
            table = self.page.table(f"Test {words} under stress")
            if table is None:
                continue
            cells = table.by_name()["unchanged"]
            for name, shown in list(cells.items())[1:]:
                yield f"{name} unchanged", shown, with_ends(self.by_name[name], f"test_{metric}")
