import cv2
import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.core.seeds import generator
from mammobench.data.groups import groups_of, picture_of_link, recover, recover_groups
from mammobench.data.groups.features import extract_from, mirror
from mammobench.data.groups.verify import match
from tests.unit.data.groups.conftest import SIDE, Images, StoreOf, crop_of, film_of


def label_of(letters: str, left: int, seed: int) -> Images:
    """Draw a label as films bear them: black letters on white, in the dark; and the film's own grain."""
    tile = np.full((SIDE, SIDE), 3, np.uint8)
    cv2.rectangle(tile, (left, 15), (left + 110, 135), 245, -1)
    for line, text in enumerate(letters.split()):
        cv2.putText(tile, text, (left + 12, 65 + 55 * line), cv2.FONT_HERSHEY_DUPLEX, 1.7, 20, 4, cv2.LINE_AA)
    return np.asarray((tile + generator(seed, "grain").normal(0, 2, tile.shape)).clip(0, 255)).astype(
        np.uint8
    )


def test_crops_of_one_lesion_are_found_across_offset_flip_and_turn(store_of: StoreOf) -> None:
    films = [film_of(seed) for seed in range(4)]
    images = [crop_of(film, 60, 60) for film in films]
    images += [crop_of(film, 85, 40, turn, flip=turn > 1) for turn, film in enumerate(films)]
    store = store_of(images, [1, 2, 3, 4] * 2)
    groups = recover_groups(store)
    assert groups.codes.tolist() == [0, 1, 2, 3] * 2
    assert groups.recovered
    assert not groups.known.any()
    assert np.array_equal(groups_of(store).codes, groups.codes)
    links = groups.links.set_index("first")
    assert links["second"].to_dict() == {0: 4, 1: 5, 2: 6, 3: 7}
    assert set(links["kind"]) == {"same lesion"}
    assert links["mirrored"].tolist() == [False, False, True, True]
    assert links["scale"].between(0.99, 1.01).all()
    assert links["confidence"].between(0.9, 1).all()
    plain = links.loc[0]
    assert plain["turn"] == 0
    assert (plain["offset_x"], plain["offset_y"]) == (pytest.approx(-25, abs=1), pytest.approx(20, abs=1))
    assert links.loc[1, "turn"] == 270


def test_overlapping_and_identical_tiles_are_near_duplicates(store_of: StoreOf) -> None:
    film = film_of(0)
    images = [crop_of(film, 0, 0), crop_of(film, 75, 0), crop_of(film, 0, 0), crop_of(film_of(1), 0, 0)]
    groups = recover_groups(store_of(images, [0] * 4))
    assert groups.codes.tolist() == [0, 0, 0, 1]
    kinds = {(row.first, row.second): row.kind for row in groups.links.itertuples()}
    assert kinds[0, 2] == "identical"
    assert kinds[0, 1] == "near duplicate"


def test_what_is_settled_is_not_looked_at_again(store_of: StoreOf, monkeypatch: pytest.MonkeyPatch) -> None:
    places = range(0, 151, 50)
    images = [crop_of(film_of(seed), left, top) for seed in (0, 1) for left in places for top in places]
    store = store_of(images, [0] * len(images))
    monkeypatch.setattr(recover, "PAIRS_AT_ONCE", 8)
    some = recover_groups(store)
    monkeypatch.setattr(recover, "LINKS_ENOUGH", len(images))
    every = recover_groups(store)
    assert some.codes.tolist() == every.codes.tolist() == [0] * 16 + [1] * 16
    assert some.recovery is not None
    assert every.recovery is not None
    assert some.recovery.candidates < every.recovery.candidates
    ends = some.links[["first", "second"]].to_numpy().ravel()
    assert np.bincount(ends, minlength=len(images)).min() >= 3


def test_black_tiles_and_labels_link_nothing(store_of: StoreOf) -> None:
    black = np.zeros((SIDE, SIDE), np.uint8)
    labels = [
        label_of(text, left, seed)
        for seed, (text, left) in enumerate([("R ML", 20), ("R ML", 32), ("L ML", 20)])
    ]
    groups = recover_groups(store_of([black, black, *labels], [0] * 5))
    assert groups.codes.tolist() == [0, 1, 2, 3, 4]
    assert not len(groups.links)


def test_a_link_joins_known_patients_and_is_counted(store_of: StoreOf) -> None:
    film = film_of(0)
    images = [
        crop_of(film, 60, 60),
        crop_of(film, 70, 50),
        crop_of(film_of(1), 0, 0),
        crop_of(film_of(2), 0, 0),
    ]
    groups = recover_groups(store_of(images, [1, 1, 2, 3], ["a", "b", "c", "c"]))
    assert groups.codes.tolist() == [0, 0, 1, 1]
    assert groups.joined == 1


def test_a_recovery_is_repeated_alike_and_tells_how_far_it_is(store_of: StoreOf) -> None:
    store = store_of([crop_of(film_of(seed // 2), 30 * (seed % 2), 0) for seed in range(6)], [0] * 6)
    told: list[tuple[str, int, int]] = []
    first = recover_groups(store, progress=lambda *each: told.append(each))
    assert {what: (done, total) for what, done, total in told}["Describing images"] == (6, 6)
    assert all(0 < done <= total for _, done, total in told)
    assert first.links.equals(recover_groups(store).links)


def test_an_interruption_leaves_nothing(store_of: StoreOf) -> None:
    store = store_of([crop_of(film_of(0), 30 * number, 0) for number in range(3)], [0] * 3)
    before = sorted(store.path.iterdir())

    def interrupt(what: str, _done: int, _total: int) -> None:
        if what == "Checking pairs":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recover_groups(store, progress=interrupt)
    assert sorted(store.path.iterdir()) == before


def test_a_picture_shows_both_images_of_a_link(store_of: StoreOf) -> None:
    store = store_of([crop_of(film_of(0), 30 * number, 0) for number in range(2)], [0] * 2)
    link = recover_groups(store).links.iloc[0]
    picture = cv2.imdecode(np.frombuffer(picture_of_link(store, link), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[1] > 2 * SIDE
    green = (picture[..., 1].astype(int) - picture[..., 2]) > 60
    assert green[:, :SIDE].any()
    assert green[:, SIDE + 20 :].any()
    with pytest.raises(DataError, match="no such images"):
        picture_of_link(store, link.replace({link["second"]: 7}) if link["second"] else link)


def test_reordered_bins_are_the_descriptor_of_the_mirror_image() -> None:
    image = crop_of(film_of(3), 0, 0)
    sift = cv2.SIFT.create(60)
    points, plain = sift.detectAndCompute(image, None)
    flipped = [
        cv2.KeyPoint(SIDE - 1 - p.pt[0], p.pt[1], p.size, (180 - p.angle) % 360, 1, p.octave) for p in points
    ]
    _, expected = sift.compute(np.ascontiguousarray(image[:, ::-1]), flipped)
    difference = np.linalg.norm(
        mirror(np.asarray(plain, dtype=np.float32)) - expected, axis=1
    ) / np.linalg.norm(expected, axis=1)
    assert np.median(difference) < 0.15


def test_a_match_says_how_a_crop_was_moved() -> None:
    film = film_of(5)
    pair = np.stack([crop_of(film, 60, 60), crop_of(film, 90, 60, 1)])
    found = match(extract_from(pair), 0, 1, mirrored=False, native=SIDE)
    assert found is not None
    assert (found.quarter_turn, found.upright) == (270, True)
    assert found.offset[0] == pytest.approx(0, abs=1)
    assert found.offset[1] == pytest.approx(30, abs=1)
