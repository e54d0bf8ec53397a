import json
from pathlib import Path

import numpy as np
import pytest

from mammobench.audit import Audit, audit_store, write_audit
from mammobench.audit.page import as_values, build_page, findings, lead_of
from mammobench.data.store import ImageStore
from mammobench.errors import ConfigError


@pytest.fixture(scope="module")
def audit(phantom: ImageStore) -> Audit:
    return audit_store(phantom, tasks=("malignancy", "five-class"))


def test_it_counts_what_is_there(audit: Audit, phantom: ImageStore) -> None:
    assert audit.counts.to_numpy().sum() == len(phantom)
    assert list(audit.counts.columns) == ["test", "train"]
    assert [one.task for one in audit.baselines] == ["malignancy"] * 2 + ["five-class"] * 2
    for one in audit.baselines:
        assert one.f1.low <= one.f1.point <= one.f1.high
        assert 0 < one.majority < 1
    assert np.isnan(audit.baselines[2].auroc.low)


def test_the_page_says_synthetic_and_what_it_rests_on(audit: Audit, tmp_path: Path) -> None:
    path = write_audit(audit, tmp_path / "new" / "audit.html")
    html = path.read_text("utf-8")
    assert "Synthetic data" in html
    assert "shortcut baseline" in html
    assert "<script" not in html
    page = build_page(audit)
    assert page.lead == lead_of(audit)
    assert page.baseline.rows[0][:2] == ("malignancy", "logistic regression")
    assert any("reference split share" in sentence for sentence in findings(audit))


def test_its_values_are_json(audit: Audit, phantom: ImageStore) -> None:
    values = json.loads(json.dumps(as_values(audit)))
    assert values["fingerprint"] == phantom.fingerprint
    assert values["synthetic"] is True
    assert {leak["split"] for leak in values["leaks"]} >= {"reference", "official", "grouped"}


def test_an_unknown_split_is_an_error(phantom: ImageStore) -> None:
    with pytest.raises(ConfigError, match=r"data\.split"):
        audit_store(phantom, split="random")
