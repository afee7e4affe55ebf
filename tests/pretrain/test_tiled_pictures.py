"""Strips in training: tiles are images of their own, and stay with their strip wherever that counts."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inspection.images.decode import read_image
from inspection.images.folders import Picture, find_pictures
from inspection.images.preprocess import Preprocessing, prepare_tiles
from inspection.images.tiles import Tiling
from pretrain.data import tiled_pictures
from pretrain.data.image_set import load_images, map_images
from pretrain.data.reading import read_digest
from pretrain.data.tiled_pictures import in_tiles, layout_of
from pretrain.evaluate.anomaly import check_encoder, load_test_images
from pretrain.evaluate.splits import split_by_lot
from tests.pretrain.tiny import tiny_networks, tiny_recipe
from tests.pretrain.washers import washer

WHOLE = Preprocessing(input_px=64)
TILED = Preprocessing(input_px=64, tiles=Tiling(tile_px=64, overlap=0.25))
WIDTH_PX, TILE_COUNT = 200, 4


def write_strips(folder: Path, seeds: range, *, flaw: bool = False) -> Path:
    """Strips of three washers in a row, 64 x 200 px."""
    folder.mkdir(parents=True)
    for seed in seeds:
        row = [washer(3 * seed + place, flaw=flaw and place == 1) for place in range(3)]
        picture = np.concatenate([*row, washer(seed)[:, :8]], axis=1)
        cv2.imwrite(str(folder / f"strip-{seed:02d}.png"), picture[:, :, ::-1])
    return folder


@pytest.fixture(scope="module")
def strips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_strips(tmp_path_factory.mktemp("strips") / "train", range(10))


def test_each_strip_is_as_many_pictures_as_it_has_tiles(strips: Path) -> None:
    pictures = find_pictures(strips)
    assert in_tiles(pictures, WHOLE) == pictures
    tiles = in_tiles(pictures, TILED)
    assert len(tiles) == 10 * TILE_COUNT
    assert [tile.tile for tile in tiles[:TILE_COUNT]] == list(range(TILE_COUNT))
    assert {tile.path for tile in tiles[:TILE_COUNT]} == {pictures[0].path}


def test_tiles_are_prepared_as_at_the_station(strips: Path) -> None:
    images = load_images(find_pictures(strips), TILED)
    assert images.pixels.shape == (10 * TILE_COUNT, 64, 64, 3)
    path = find_pictures(strips)[3].path
    layout = TILED.lay_tiles(WIDTH_PX, 64)
    assert layout is not None
    expected = prepare_tiles(read_image(path), layout, TILED)
    mine = [place for place, one in enumerate(images.paths) if one == path]
    assert np.array_equal(images.pixels[mine].numpy(), expected)


def test_every_tile_has_a_name_of_its_own_that_stays(strips: Path) -> None:
    images = load_images(find_pictures(strips), TILED)
    assert len(set(images.digests)) == len(images)
    again = [read_digest(tile) for tile in in_tiles(find_pictures(strips), TILED)]
    assert list(images.digests) == again
    whole = load_images(find_pictures(strips), WHOLE)
    assert not set(whole.digests) & set(images.digests)


def test_a_shard_holds_the_same_tiles(strips: Path, tmp_path: Path) -> None:
    mapped, _ = map_images(find_pictures(strips), TILED, tmp_path / "cache")
    loaded = load_images(find_pictures(strips), TILED)
    assert mapped.digests == loaded.digests
    assert np.array_equal(mapped.pixels.numpy(), loaded.pixels.numpy())


def test_a_strip_is_decoded_once_for_all_its_tiles(strips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    decode = tiled_pictures.decode_image

    def counting(data: bytes, *, name: str, significant_bits: int) -> np.ndarray:
        decoded.append(name)
        return decode(data, name=name, significant_bits=significant_bits)

    monkeypatch.setattr(tiled_pictures, "decode_image", counting)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    tiled_pictures._decode.cache_clear()
    load_images(find_pictures(strips), TILED)
    assert len(decoded) == len(set(decoded)) == 10


def test_a_strip_that_changes_is_read_anew(strips: Path, tmp_path: Path) -> None:
    folder = write_strips(tmp_path / "changing", range(10))
    before = load_images(find_pictures(folder), TILED)
    first = find_pictures(folder)[0].path
    cv2.imwrite(str(first), np.full((64, WIDTH_PX), 77, np.uint8))
    after = load_images(find_pictures(folder), TILED)
    assert before.digests[0] != after.digests[0]
    assert before.digests[TILE_COUNT] == after.digests[TILE_COUNT]
    assert int(after.pixels[0].max()) == 77


def test_a_broken_strip_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_strips(tmp_path / "images", range(4))
    (folder / "broken.png").write_bytes(b"no picture")
    assert in_tiles([Picture(folder / "broken.png")], TILED) == [Picture(folder / "broken.png")]
    assert in_tiles([Picture(folder / "gone.png")], TILED) == [Picture(folder / "gone.png")]
    assert layout_of(folder / "broken.png", TILED) is None
    images = load_images(find_pictures(folder), TILED)
    assert len(images) == 4 * TILE_COUNT
    assert "broken.png" in capsys.readouterr().err


def test_the_tiles_of_a_strip_are_held_out_together(strips: Path) -> None:
    images = load_images(find_pictures(strips), TILED)
    fitted, held, how = split_by_lot(images, 0)
    assert how == "by image; no lots are known"
    assert sorted(fitted + held) == list(range(len(images)))
    trained, judged = ({images.paths[place] for place in side} for side in (fitted, held))
    assert not trained & judged
    assert len(judged) == 5


def test_the_encoder_is_checked_on_whole_strips(strips: Path, tmp_path: Path) -> None:
    write_strips(tmp_path / "test" / "good", range(20, 24))
    write_strips(tmp_path / "test" / "blot", range(30, 34), flaw=True)
    test = load_test_images(tmp_path, TILED)
    assert len(test.pixels) == 8 * TILE_COUNT
    assert len(test.layouts) == len(test.pictures) == 8
    encoder = tiny_networks(tiny_recipe()).encoder
    figures = check_encoder(encoder, load_images(find_pictures(strips), TILED).pixels, test, 0)
    assert isinstance(figures["image_auroc"], float)
    assert set(figures["by_defect"]) == {"blot"}  # type: ignore[call-overload]
