"""Whether each sentence of a report's answer says what its table of scores has.

Sentences are read by patterns of their own. One that no pattern reads is a fault too, so that whoever adds a
sentence says here what it must agree with.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from math import isnan

from tests.agreement import MINUS, Check, Report, Row, number, printed, with_ends
from tests.differences import LEVEL, NUMBER, SCORE, SIZE, size_checks

Reading = Callable[[re.Match[str], Report], Iterator[Check]]
AGAINST = (
    r"(?:; the selected model is (?P<verdict>significantly better|significantly worse|"
    rf"not significantly different from it) \({SIZE}\))?"
)
_FORMS: list[tuple[str, Reading]] = []
TURNED = {"better": "worse", "worse": "better", "not significantly different": "not significantly different"}
CAUTIOUS, FEW = 10, 30


def answer_faults(report: Report) -> list[str]:
    """Return every disagreement between the answer's sentences and the table."""
    lead, _, comparison = report.page.lead.partition(" F1 for comparison: ")
    found = [*_lead(lead, report), *_comparison(comparison, report), *_said(report)]
    report.compared["lead"] += 1
    for sentence in report.page.support:
        read = [(match, check) for form, check in _FORMS if (match := re.fullmatch(form, sentence))]
        found.append((sentence, len(read), 1))
        report.compared.update(check.__name__ for _, check in read)
        found += [
            (f"{what} in {sentence!r}", shown, wanted)
            for match, check in read
            for what, shown, wanted in check(match, report)
        ]
    return [
        f"answer: {what}: found {shown!r}, expected {wanted!r}"
        for what, shown, wanted in found
        if shown != wanted
    ]


def _reads(*form: str) -> Callable[[Reading], Reading]:
    """Mark what checks the sentences of a form, a regular expression in pieces."""

    def mark(check: Reading) -> Reading:
        _FORMS.append(("".join(form), check))
        return check

    return mark


def _verdicts(rows: Sequence[Row]) -> Iterator[Check]:
    """Each word follows from the difference and the corrected p-value beside it."""
    for row in rows:
        p, size = number(row, "difference_p_adjusted"), number(row, "difference")
        words = "" if isnan(p) else "better" if size > 0 else "worse"
        yield row["name"], row["verdict"], words if isnan(p) or p < LEVEL else "not significantly different"


def _lead(lead: str, report: Report) -> Iterator[Check]:
    row = report.selected
    if row is None:
        yield "lead", lead, "No searched configuration has finished yet."
        return
    yield from _verdicts([each for each in report.rows if each is not row])
    auroc = f" and AUROC {with_ends(row, 'test_auroc')}" if row["test_auroc"] else ""
    scores = f"{with_ends(row, 'test_f1')}{auroc}"
    start = f"The model of {row['name']}, selected on validation, reaches test F1 {scores}; "
    yield "start", lead[: len(start)], start
    rivals = [each for each in report.rows if each["role"] == "searched" and each is not row]
    parts = lead[len(start) :].removesuffix(".").split("; ")
    shortcuts = [each["verdict"] for each in report.rows if each["role"] == "shortcut" and each["verdict"]]
    if shortcuts:
        beaten = all(verdict == "worse" for verdict in shortcuts)
        words = (
            f"the selected model is {'' if beaten else 'not '}significantly better than the shortcut baseline"
        )
        if "better" in shortcuts:
            words = "the shortcut baseline is significantly better than the selected model"
        yield "shortcut", parts.pop(), words
    yield from _others("; ".join(parts), rivals, report)


def _others(words: str, rivals: Sequence[Row], report: Report) -> Iterator[Check]:
    """Read how many of the other models are better, worse or neither."""
    counts = dict.fromkeys(("better", "worse", "not significantly different", ""), 0)
    for row in rivals:
        counts[row["verdict"]] += 1
    size = re.search(rf" \((?:the best of them, )?(?:(?P<name>[^:()]+): )?{SIZE}\)", words)
    if size:
        named = rivals[0] if len(rivals) == 1 else report.by_name[size["name"]]
        best = max(number(row, "difference") for row in rivals if row["verdict"] == named["verdict"])
        yield "the best of the better ones", number(named, "difference"), best
        yield from size_checks(size, named, turned=False)
        words = words.replace(size[0], "")
    elif counts["better"]:
        yield "how much better", words, "a difference"
    said = dict.fromkeys(counts, 0)
    kinds = {
        "significantly better": "better", "significantly worse": "worse",
        "not significantly different from it": "not significantly different",
        "not comparable, since F1 is not defined": "",
    }  # fmt: skip
    total = len(rivals)
    if words == "no other searched model has finished on the same test set":
        total = 0
    elif words == f"none of the {total} other models is significantly better or worse":
        said["not significantly different"] = total
    elif match := re.fullmatch(r"the other model is (.*)", words):
        total, said[kinds.get(match[1], match[1])] = 1, 1
    elif match := re.fullmatch(r"all (\d+) other models are (.*)", words):
        said[kinds.get(match[2], match[2])] = int(match[1])
    else:
        head, _, rest = words.partition(" other models, ")
        total = int(head.removeprefix("of the "))
        for count, verb, kind in re.findall(rf"(\d+) (is|are) ({'|'.join(kinds)})(?:, | and |$)", rest):
            yield "verb", verb, "is" if count == "1" else "are"
            said[kinds[kind]] = int(count)
    yield "others", (total, said), (len(rivals), counts)


def _comparison(words: str, report: Report) -> Iterator[Check]:
    for part in words.removesuffix(".").split(", ") if words else ():
        name, _, shown = part.rpartition(" ")
        of_that = [row for row in report.rows if row["name"] == name or name == f"{row['role']} baseline"]
        yield name, shown in {printed(number(row, "test_f1")) for row in of_that}, True


@_reads(rf"The selected model's accuracy is ({SCORE})(?:, its average precision ({SCORE}))?\.")
def _accuracy(match: re.Match[str], report: Report) -> Iterator[Check]:
    row = _chosen(report)
    yield "accuracy", match[1], with_ends(row, "test_accuracy")
    yield "average precision", match[2], with_ends(row, "test_auprc") if row["test_auprc"] else None


@_reads(rf"The (?P<name>reference CNN[^;]*?) reaches F1 (?P<f1>{SCORE}){AGAINST}\.")
def _reference(match: re.Match[str], report: Report) -> Iterator[Check]:
    row = report.by_name[match["name"]]
    yield "F1", match["f1"], with_ends(row, "test_f1")
    yield from _against(match, row)


@_reads(
    r"The shortcut baseline \((?P<method>[^)]*)\), trained on image statistics alone, ",
    rf"reaches F1 (?P<f1>{SCORE}){AGAINST}",
    r"(?P<unproven>, so there is no evidence that the selected model uses the lesion)?\.",
)
def _shortcut(match: re.Match[str], report: Report) -> Iterator[Check]:
    row = report.by_name[f"shortcut: {match['method']}"]
    yield "F1", match["f1"], with_ends(row, "test_f1")
    yield "evidence", bool(match["unproven"]), row["verdict"] in {"better", "not significantly different"}
    yield from _against(match, row)


@_reads(
    rf"Always predicting (?P<class>.*?) scores F1 (?P<f1>{NUMBER}) at accuracy (?P<accuracy>{NUMBER})",
    rf"{AGAINST}\.",
)
def _constant(match: re.Match[str], report: Report) -> Iterator[Check]:
    row = report.by_name[f"always {match['class']}"]
    for metric in ("f1", "accuracy"):
        yield metric, match[metric], printed(number(row, f"test_{metric}"))
    if number(row, "test_f1") > 0:
        yield from _against(match, row)
    else:
        yield "no comparison", match["verdict"], None


def _against(match: re.Match[str], row: Row) -> Iterator[Check]:
    """Check how the selected model compares to a reference or a baseline."""
    said = match["verdict"] and match["verdict"].removeprefix("significantly ").removesuffix(" from it")
    yield "verdict", said, TURNED.get(row["verdict"])
    if said:
        yield from size_checks(match, row, turned=True)


@_reads(
    r"Over training seeds and patients together, the configuration of (?P<name>.*?) is (?P<verdict>",
    r"significantly better than|significantly worse than|not significantly different from) the selected ",
    rf"configuration: difference in mean test F1 (?P<size>{NUMBER}) (?P<ends>\[[^\]]*\]), corrected ",
    r"(?P<p>p [<=] \d\.\d{3}) \((?P<own>\d+) seeds of it, (?P<selected>\d+) of the selected one\)\.",
)
def _over_seeds(match: re.Match[str], report: Report) -> Iterator[Check]:
    row, chosen = report.by_name[match["name"]], _chosen(report)
    seeds = tuple(round(number(each, "replicates")) for each in (row, chosen))
    yield "seeds", (int(match["own"]), int(match["selected"])), seeds
    size = number(row, "replicate_f1_mean") - number(chosen, "replicate_f1_mean")
    yield "difference", match["size"], printed(size + 0.0, "+")
    low, high = (float(end.replace(MINUS, "-")) for end in match["ends"][1:-1].split(", "))
    significant = match["p"].startswith("p <") or float(match["p"].split()[-1]) < LEVEL
    said = {"significantly better than": size > 0, "significantly worse than": size < 0}.get(match["verdict"])
    yield "verdict", said, True if significant else None
    if significant:
        yield "interval", low <= 0 <= high, False


@_reads(
    r"Over training seeds and patients together, the configuration of (.*?) cannot be compared with the ",
    r"selected configuration: a difference is not defined\.",
)
def _not_compared(match: re.Match[str], report: Report) -> Iterator[Check]:
    means = [number(each, "replicate_f1_mean") for each in (report.by_name[match[1]], _chosen(report))]
    yield "a mean that is not defined", any(map(isnan, means)), True


@_reads(
    r"These comparisons are of models that were trained once: .*mammobench replicate`? trains (.*) again, ",
    r"and configurations can then be compared\.",
)
def _trained_once(match: re.Match[str], report: Report) -> Iterator[Check]:
    chosen = _chosen(report)
    known = [row["name"] for row in report.rows if number(row, "replicates") > 1]
    yield "configurations that could be compared", chosen["name"] in known and len(known) > 1, False
    replicated = not isnan(number(chosen, "replicates"))
    yield "what to train", match[1], "others" if replicated else "the selected configuration and others"


@_reads(
    r"The selected model's test F1 needs no correction for selection, since validation selected it\. ",
    r"(?:It is also the best test F1 of all (?P<all>[\d,]+) searched models; read as that, it|",
    r"The best test F1 of all (?P<tried>[\d,]+) searched models, ",
    r"(?P<best>\d\.\d{3}) of (?P<name>trial \d+),) tends to be too high",
    r"(?:, as the best of many scores does)?: corrected for selection bias it is ",
    r"an estimated (?P<corrected>\d\.\d{3}) \[(?P<low>\d\.\d{3}), (?P<high>\d\.\d{3})\]\.",
)
def _bias(match: re.Match[str], report: Report) -> Iterator[Check]:
    searched = [row for row in report.rows if row["role"] == "searched"]
    best = max(number(row, "test_f1") for row in searched)
    yield "models", int((match["all"] or match["tried"]).replace(",", "")), len(searched)
    named = report.by_name[match["name"]] if match["name"] else _chosen(report)
    yield "best", number(named, "test_f1"), best
    yield "best, printed", match["best"], printed(best) if match["name"] else None
    corrected, low, high = (float(match[name]) for name in ("corrected", "low", "high"))
    yield "corrected", low <= corrected <= min(high, float(printed(best))), True


@_reads(rf"Optimism gap: validation F1 minus test F1 of the selected model is ({NUMBER})\.")
def _gap(match: re.Match[str], report: Report) -> Iterator[Check]:
    row = _chosen(report)
    yield "gap", match[1], printed(number(row, "validation_f1") - number(row, "test_f1") + 0.0, "+")


@_reads(r"Intervals rest on ([\d,]+) (.*?) test images?(?:: (.*))?\.")
def _groups(match: re.Match[str], report: Report) -> Iterator[Check]:
    few = int(match[1].replace(",", ""))
    wide = {True: "fewer than 30, so that they are wide and only large differences show", False: None}[
        few < FEW
    ]
    words = "so few that they are wide, and cautious rather than exact" if few <= CAUTIOUS else wide
    yield "few", match[3], words
    split = report.page.table(f"{report.rows[0]['split']} split")
    yield "a table of the split", split is not None, True
    if split is not None:
        test, name = split.by_name()["test"], match[2].rpartition(" with a ")[2]
        yield "groups of the class", few <= int(test[name].replace(",", "")), True


@_reads(r"A better test score does not change the selection: .*")
def _stays(_: re.Match[str], report: Report) -> Iterator[Check]:
    yield "a better one", _is_beaten(report), True


@_reads(rf"The (reference CNN) reaches test F1 ({SCORE})\.")
def _reference_alone(match: re.Match[str], report: Report) -> Iterator[Check]:
    yield "F1", match[2], with_ends(report.by_name[match[1]], "test_f1")


def _said(report: Report) -> Iterator[Check]:
    """Everything that must be said is said."""
    words = " ".join(report.page.support)
    for row in report.rows:
        told = {
            "reference": f"The {row['name']} reaches {'F1' if report.selected else 'test F1'} ",
            "constant": f"Always predicting {row['name'].removeprefix('always ')} scores",
        }.get(row["role"], "")
        yield row["name"], told in words, True
    yield "the selection", "does not change the selection" in words, _is_beaten(report)
    finished = sum(row["role"] == "searched" and row["test_f1"] != "" for row in report.rows)
    yield "selection bias", "corrected for selection bias" in words, finished > 1


def _is_beaten(report: Report) -> bool:
    return any(row["verdict"] == "better" and row["role"] == "searched" for row in report.rows)


def _chosen(report: Report) -> Row:
    assert report.selected is not None
    return report.selected
