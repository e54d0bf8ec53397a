"""The sections of the page, in their order: the one place to register another.

A new one is a function from `Material` to `Section` in a file of its own, and one line in `SECTIONS`. From it
follow its place on the page, its link in the contents, its figures as files, and the contract tests.
"""

from collections.abc import Callable

from mammobench.report import course, facts, leaders
from mammobench.report.answer import build_answer
from mammobench.report.checklists import checklist_tables
from mammobench.report.explanations import selected_explanations
from mammobench.report.folds import cross_validation
from mammobench.report.material import Material
from mammobench.report.other_splits import other_splits, split_note
from mammobench.report.section import Section
from mammobench.report.stress import stress_tables


def answer(material: Material) -> Section:
    """Show the main result."""
    return Section(
        "answer", "Main result", link="Result", template="answer.html", value=build_answer(material.board)
    )


def ranking(material: Material) -> Section:
    """Show the table of configurations, with what its numbers mean."""
    board = material.board
    tried = int((board.frame["role"] == "searched").sum())
    notes = (
        *split_note(board),
        facts.seal_note(material.studies.values()),
        *facts.method_notes(board, tried=tried),
    )
    return Section("ranking", "Ranking", template="ranking.html", value=material.ranking, notes=notes)


def explanations(material: Material) -> Section:
    """Show heat maps of the selected configuration."""
    value = selected_explanations(tuple(material.studies.values()), material.board)
    return Section("sees", "Explanations", template="explanations.html", value=value)


def stress(material: Material) -> Section:
    """Show the scores under stress."""
    return Section("stress", "Stress tests", tables=stress_tables(material.board))


def data(material: Material) -> Section:
    """Show the image store and its splits."""
    spec = next(iter(material.studies.values())).spec
    tables = [facts.data_table(spec.store, spec.fingerprint)]
    made_by = {
        trial.split: trial.config.data for study in material.studies.values() for trial in study.trials
    }
    tables += [facts.split_table(split, made_by.get(key)) for key, split in material.board.splits.items()]
    return Section("data", "Data", tables=tuple(tables))


def run(material: Material) -> Section:
    """Show what was asked, the space and the environment."""
    tables: list[facts.Table] = []
    for name, study in material.studies.items():
        of = f" of {name}" if len(material.studies) > 1 else ""
        tables += [facts.study_table(study, study.trials, of), facts.space_table(study, of)]
    trials = [trial for study in material.studies.values() for trial in study.trials]
    tables.append(facts.environment_table(trials))
    return Section("run", "Set-up", tables=tuple(tables), paired=True)


def checklists(material: Material) -> Section:
    """Show the reporting checklists, as far as a run can fill them."""
    tables = checklist_tables(tuple(material.studies.values()), material.board)
    help_ = "What this run can fill in; the rest is for the authors."
    return Section("checklists", "Checklists", help_, link=None, template="checklists.html", tables=tables)


def again(material: Material) -> Section:
    """Show the commands that make all of this again."""
    commands = (item for study in material.studies.values() for item in facts.commands(study))
    return Section("again", "Reproduce", template="commands.html", value=tuple(dict.fromkeys(commands)))


def cite(material: Material) -> Section:
    """Show what work on these images must cite."""
    stores = (study.spec.store for study in material.studies.values())
    citations = tuple(dict.fromkeys(str(item) for store in stores for item in store.get("citations", ())))
    help_ = "Work that uses these images must cite:"
    return Section("cite", "Cite", help_, link=None, template="citations.html", value=citations)


SECTIONS: tuple[Callable[[Material], Section], ...] = (
    answer,
    ranking,
    other_splits,
    cross_validation,
    course.mattered,
    course.went,
    leaders.leaders,
    explanations,
    leaders.slices,
    stress,
    data,
    run,
    checklists,
    again,
    cite,
)
"""Empty ones are left out of a page."""
