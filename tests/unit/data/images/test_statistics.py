from pathlib import Path

import cv2
import numpy as np
import pytest

from mammobench.core.seeds import generator
from mammobench.data.images.statistics import STATISTICS, image_statistics, store_statistics
from mammobench.data.store.image_store import ImageStore


def described(image: np.ndarray) -> dict[str, float]:
    return dict(zip(STATISTICS, image_statistics(image).tolist(), strict=True))


def test_values_of_an_image_whose_statistics_are_known() -> None:
    image = np.full((100, 100), 100, dtype=np.uint8)
    image[:3] = image[-3:] = image[:, :3] = image[:, -3:] = 0
    image[50, 50:60] = 255
    told = described(image)
    frame = 100**2 - 94**2
    assert told["mean"] == pytest.approx((100 * (94**2 - 10) + 2550) / 1e4)
    assert told["spread"] == pytest.approx(image.std(), rel=1e-6)
    assert (told["minimum"], told["maximum"], told["greys"]) == (0, 255, 3)
    assert (told["percentile_5"], told["percentile_50"], told["percentile_99"]) == (0, 100, 100)
    assert told["black_share"] == pytest.approx(frame / 1e4)
    assert told["white_share"] == pytest.approx(1e-3)
    assert (told["border_mean"], told["border_spread"], told["border_black_share"]) == (0, 0, 1)
    assert told["border_contrast"] == pytest.approx(-(100 + 1550 / 94**2), rel=1e-5)


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_constant_image_has_finite_statistics(value: int) -> None:
    assert np.isfinite(image_statistics(np.full((16, 16), value, dtype=np.uint8))).all()


def test_percentiles_are_numpys() -> None:
    image = generator(0, "statistics").integers(0, 256, (64, 64)).astype(np.uint8)
    told = described(image)
    for percent in (1, 25, 50, 99):
        assert told[f"percentile_{percent}"] == np.percentile(image, percent, method="inverted_cdf")


def test_jpeg_leaves_blocks_and_a_smooth_image_has_none() -> None:
    ramp = np.linspace(0, 255, 128)
    smooth = np.add.outer(ramp, ramp) / 2 + generator(0, "blocks").normal(0, 4, (128, 128))
    image = smooth.clip(0, 255).astype(np.uint8)
    done, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 20])
    assert done
    jpeg = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    halved = cv2.resize(jpeg, (64, 64), interpolation=cv2.INTER_AREA).astype(np.uint8)
    assert described(image)["blockiness_8"] == pytest.approx(1, abs=0.15)
    assert described(jpeg)["blockiness_8"] > 1.5
    assert described(halved)["blockiness_4"] > 1.1


def test_a_stores_statistics_are_kept_and_made_again_for_other_images(
    phantom: ImageStore, tmp_path: Path
) -> None:
    for name in ("manifest.json", "index.parquet", f"images-{phantom.manifest.image_size}.npy"):
        (tmp_path / name).symlink_to(phantom.path / name)
    store, seen = ImageStore.open(tmp_path), []
    first = store_statistics(store, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(store), len(store))
    row = store.images(store.manifest.image_size)[5]
    assert np.array_equal(first.to_numpy()[5], image_statistics(row))
    again = store_statistics(store, progress=lambda *_: pytest.fail("made again"))
    assert np.array_equal(first, again)
    kept = tmp_path / "statistics.parquet"
    first.attrs["fingerprint"] = "another"
    first.assign(mean=0.0).to_parquet(kept)
    assert store_statistics(store)["mean"].gt(0).all()
