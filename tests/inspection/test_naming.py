"""A part gets the name whose examples its region looks like, with how much; or none."""

from __future__ import annotations

import numpy as np
import pytest

from inspection.naming import embed_region, suggest_name


def around(x: float, y: float, spread: float = 0.1) -> list[np.ndarray]:
    return [np.array([x + dx, y + dy], np.float32) for dx, dy in ((spread, 0), (-spread, 0), (0, spread))]


TWO = {"a": around(0, 0), "b": around(3, 0)}
THREE = {"a": around(0, 0), "b": around(3, 0), "c": around(1.5, 3)}


@pytest.mark.parametrize(
    ("own", "examples", "name"),
    [
        ((-0.2, 0.1), TWO, "a"),
        ((3.5, -0.3), TWO, "b"),
        # Between both, and away from both.
        ((1.5, 0.0), TWO, None),
        ((1.5, 4.0), TWO, None),
        ((1.6, 4.0), THREE, "c"),
        # As much like one as like another.
        ((1.5, -2.0), THREE, None),
        ((0.0, 0.0), THREE | {"too few": around(0, 0)[:2]}, "a"),
    ],
)
def test_the_name_whose_direction_a_part_lies_in(
    own: tuple[float, float], examples: dict[str, list[np.ndarray]], name: str | None
) -> None:
    found = suggest_name(np.array(own, np.float32), examples)
    assert (found and found.name) == name


def test_similarity_is_the_cosine_seen_from_the_middle_of_all_names() -> None:
    examples = {
        name: [np.array(mean, np.float32)] * 3 for name, mean in {"a": (0, 0), "b": (2, 0), "c": (1, 3)}.items()
    }
    middle, own = np.array([1, 1]), np.array([0.2, 0.4])
    found = suggest_name(own.astype(np.float32), examples)
    assert found is not None
    one, other = own - middle, np.array([0, 0]) - middle
    assert found.similarity == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other), rel=1e-5)


@pytest.mark.parametrize(("x", "name"), [(0.0, "a"), (0.12, "a"), (0.5, None)])
def test_a_name_alone_reaches_a_little_farther_than_its_examples(x: float, name: str | None) -> None:
    found = suggest_name(np.array([x, 0], np.float32), {"a": around(0, 0)})
    assert (found and found.name) == name
    assert found is None or 0 <= found.similarity <= 1


def test_without_examples_nothing_is_suggested() -> None:
    assert suggest_name(np.zeros(2, np.float32), {"a": around(0, 0)[:2]}) is None
    assert suggest_name(np.zeros(2, np.float32), {}) is None


@pytest.mark.parametrize("level", [0.0, -2.0])
def test_the_cells_about_the_peak_are_described_against_what_is_around_them(level: float) -> None:
    anomaly_map = np.full((2, 8, 8), level, np.float32)
    anomaly_map[1, 2:4, 2:4] = 1.0 + level
    anomaly_map[1, 4:6, 2:4] = 0.5 + level
    embeddings = np.full((2, 4, 4, 2), 5.0, np.float32)
    embeddings[1, 1, 1] = (7.0, 2.0)
    assert embed_region(anomaly_map, embeddings).tolist() == [2.0, -3.0]
