"""The model card, read back by Hugging Face's own parser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.card import model_card
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]
HOSTILE = "<script>alert(1)</script>: [x](y)\n---\nlicense: mit | \"'{{ 7 * 7 }}"
NAME = HOSTILE.replace("/", "!").replace("\n", " ")  # as a study can have it


def card_of(study: StudyRecord, number: int = 1) -> str:
    trial = study.trial(number)
    return model_card(study, trial, Split.load(study.split_path(trial.split)), "It is reproduced.")


@pytest.fixture(scope="module")
def loaded(simulated_study: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The card from its file; Any, because the library gives its metadata no types."""
    path = tmp_path_factory.mktemp("card") / "model_card.md"
    path.write_text(card_of(simulated_study), encoding="utf-8")
    return ModelCard.load(path)


def test_the_metadata_hold_every_test_score(loaded: Any, simulated_study: StudyRecord) -> None:
    frame = build_leaderboard(simulated_study).frame
    row = frame[frame["trial"] == 1].iloc[0]
    data = loaded.data
    assert (data.library_name, data.pipeline_tag, data.license) == ("keras", "image-classification", "other")
    assert data.license_name == "none-needed"
    assert {"mammography", "malignancy", "synthetic-data", "not-a-medical-device"} <= set(data.tags)
    results = {result.metric_name.split(" (")[0]: result for result in data.eval_results}
    for name, column in {"Test F1": "test_f1", "Test AUROC": "test_auroc", "Test MCC": "test_mcc"}.items():
        assert results[name].metric_value == pytest.approx(row[column], abs=1e-6)
    f1 = results["Test F1"]
    assert f"{row['test_f1_low']:.3f} to {row['test_f1_high']:.3f}" in f1.metric_name
    assert "95 % interval over patient or lesion groups" in f1.metric_name
    assert (f1.dataset_split, f1.dataset_revision) == ("test", "0" * 64)
    assert set(data.metrics) == {result.metric_type for result in data.eval_results}


def test_the_metadata_survive_a_round_trip(loaded: Any, tmp_path: Path) -> None:
    loaded.save(tmp_path / "again.md")
    again: Any = ModelCard.load(tmp_path / "again.md")
    assert again.data.to_dict() == loaded.data.to_dict()
    assert again.text == loaded.text


@pytest.mark.parametrize(
    "words",
    ["**Synthetic data.**", "Not a medical device", "## Intended use", "## Limits", "## Reproduction",
     "It is reproduced.", "--trial 1", "| F1 | 0.", "Simulated, 2026. No image was seen.", "| seed | 1 |"],
)  # fmt: skip
def test_the_card_says(loaded: Any, words: str) -> None:
    assert words in loaded.text


def test_the_selected_one_says_what_choosing_is_worth(simulated_study: StudyRecord) -> None:
    board = build_leaderboard(simulated_study)
    assert board.selected is not None
    assert board.optimism is not None
    selected = int(board.selected["trial"])
    found = board.optimism
    words = f"The best test F1 among 12, {found.best_test:.3f}, is an estimated {found.interval}\ncorrected"
    assert words in card_of(simulated_study, selected)
    assert "corrected for selection bias" not in card_of(simulated_study, 1 if selected != 1 else 2)


def test_hostile_words_stay_words(write_study: StudyWriter, tmp_path: Path) -> None:
    store = {"image_size": 64, "synthetic": False, "source": HOSTILE, "licence": HOSTILE,
             "citations": [HOSTILE]}  # fmt: skip
    study = write_study(tmp_path / "s", trials=1, images=60, name=NAME, store=store)
    card: Any = ModelCard(card_of(study))
    assert card.data.license == "other"
    assert card.data.eval_results is not None
    assert card.data.eval_results[0].dataset_name == HOSTILE
    assert card.data.model_name == f"{NAME}, trial 1"
    page = MarkdownIt("commonmark").enable("table").render(card.text)
    assert "<script" not in page
    assert "<a " not in page
    assert "49" not in page.split("Test scores")[0]


def test_scores_that_are_not_defined_are_left_out(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "five", trials=1, images=60, task="five-class")
    card: Any = ModelCard(card_of(study))
    assert card.data.eval_results
    values = [result.metric_value for result in card.data.eval_results]
    assert all(value == value for value in values)  # noqa: PLR0124 - NaN
    assert "| nan" not in card.text
    assert "[nan" not in card.text
