"""Digests name what they should and nothing else."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from inspection.images.digest import sha256_of_bytes, sha256_of_file, sha256_of_set

DIGESTS = st.lists(st.binary(max_size=4).map(sha256_of_bytes), max_size=8, unique=True)


def test_a_known_digest() -> None:
    assert sha256_of_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(data)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()


@given(DIGESTS, st.randoms())
def test_the_order_of_a_set_makes_no_difference(digests: list[str], chance: random.Random) -> None:
    shuffled = list(digests)
    chance.shuffle(shuffled)
    assert sha256_of_set(shuffled) == sha256_of_set(digests)


@given(DIGESTS, DIGESTS)
def test_other_sets_have_other_digests(first: list[str], second: list[str]) -> None:
    assert (sha256_of_set(first) == sha256_of_set(second)) == (set(first) == set(second))
