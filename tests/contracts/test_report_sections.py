"""What every section of the page keeps: an anchor of its own, a link in the contents, figures with names."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.html import write_report
from mammobench.report.material import Material
from mammobench.report.section import Section
from mammobench.report.sections import SECTIONS
from mammobench.study.record import StudyRecord


@pytest.fixture(scope="module")
def material(simulated_study: StudyRecord) -> Material:
    return Material({"simulated": simulated_study}, build_leaderboard(simulated_study, resamples=20))


@pytest.fixture(scope="module")
def page(simulated_study: StudyRecord, material: Material, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("sections") / "index.html"
    return write_report(simulated_study, out=out, leaderboard=material.board).read_text("utf-8")


@pytest.mark.parametrize("made_by", SECTIONS, ids=lambda made_by: made_by.__name__)
def test_a_section_stands_on_the_page_and_in_the_contents(
    made_by: Callable[[Material], Section], material: Material, page: str
) -> None:
    section = made_by(material)
    assert re.fullmatch("[a-z][a-z0-9-]*", section.anchor)
    assert section.title
    heading = f'<h2 id="{section.anchor}">{section.title}</h2>'
    assert page.count(heading) == (not section.empty)
    linked = f'<a href="#{section.anchor}">{section.link or section.title}</a>' in page
    assert linked == (not section.empty and section.link is not None)
    for drawing in section.drawings:
        assert drawing.title in page
    for table in section.tables:
        assert {len(row) for row in table.rows} <= ({len(table.heads)} if table.heads else {2})


def test_sections_have_anchors_and_figures_of_their_own_and_stand_in_order(
    material: Material, page: str
) -> None:
    sections = [made_by(material) for made_by in SECTIONS]
    for names in (
        [section.anchor for section in sections],
        [drawing.name for section in sections for drawing in section.drawings],
    ):
        assert len(set(names)) == len(names)
    shown = [section.anchor for section in sections if not section.empty]
    assert re.findall(r'<h2 id="([^"]+)">', page) == shown


def test_a_study_of_a_first_trial_has_sections_too(
    write_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    study = write_study(tmp_path / "s", trials=1)
    material = Material({"s": study}, build_leaderboard(study, resamples=20))
    assert not SECTIONS[0](material).empty
    assert [made_by(material).title for made_by in SECTIONS]
