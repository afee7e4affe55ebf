"""Images in an S3-compatible bucket: the same promises as on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from inspection.errors import ConfigError, StorageError
from inspection.images.digest import sha256_of_bytes
from service.errors import NotFound
from service.images.bucket_store import BucketImageStore, open_bucket
from tests.bundles import part_png
from tests.service.camera import post, posted
from tests.service.conftest import MakeStation
from tests.service.object_store import ObjectStore, running_object_store

DATA = b"an image" * 1000


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with running_object_store() as store:
        for name, value in {
            "AWS_ENDPOINT_URL": store.address,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        yield store


@pytest.fixture
def store(bucket: ObjectStore) -> BucketImageStore:
    return open_bucket("s3://kensa/line-1")


def test_content_names_the_object(bucket: ObjectStore, store: BucketImageStore) -> None:
    sha256 = store.put(DATA)
    assert sha256 == sha256_of_bytes(DATA) == store.put(DATA)
    assert list(bucket.objects) == [f"/kensa/line-1/{sha256[:2]}/{sha256[2:4]}/{sha256}"]
    assert (store.get(sha256), store.size_of(sha256)) == (DATA, len(DATA))
    store.check()


def test_a_lost_object_is_told(store: BucketImageStore) -> None:
    with pytest.raises(NotFound, match="backup"):
        store.get("0" * 64)
    assert store.size_of("0" * 64) == 0


def test_an_object_is_removed_unless_it_was_put_since(store: BucketImageStore) -> None:
    sha256 = store.put(DATA)
    now = datetime.now(UTC)
    assert store.remove(sha256, unless_put_since=now - timedelta(hours=1)) == 0
    assert store.remove(sha256, unless_put_since=now + timedelta(hours=1)) == len(DATA)
    assert store.remove(sha256, unless_put_since=now + timedelta(hours=1)) == 0


def test_what_is_refused_is_told(bucket: ObjectStore, store: BucketImageStore) -> None:
    bucket.is_full = True
    with pytest.raises(StorageError, match="s3://kensa/line-1"):
        store.put(DATA)
    with pytest.raises(StorageError, match="runs and takes writes"):
        store.check()


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/x", "s3:///"])
def test_a_wrong_url_is_refused(bucket: ObjectStore, url: str) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/prefix"):
        open_bucket(url)


def test_a_station_keeps_its_images_there(bucket: ObjectStore, make_station: MakeStation) -> None:
    client = make_station(images="s3://kensa/line-1")
    body = posted(client, 1, spot=0.9)
    assert len(bucket.objects) >= 2
    assert client.get(body["links"]["image"]).content == part_png(1, spot=0.9)
    assert client.get(body["links"]["heat_map"]).content.startswith(b"\x89PNG")
    assert client.get("/health/ready").status_code == 200
    assert client.get("/health").json()["disk_free_bytes"] is None


def test_a_bucket_that_takes_nothing_holds_and_heals(bucket: ObjectStore, make_station: MakeStation) -> None:
    client = make_station(images="s3://kensa/line-1")
    bucket.is_full = True
    held = post(client, 1).json()
    assert (held["verdict"], held["reason"]) == ("HOLD", "image_not_stored")
    assert client.get("/health/ready").status_code == 503
    bucket.is_full = False
    assert posted(client, 2)["verdict"] == "PASS"
