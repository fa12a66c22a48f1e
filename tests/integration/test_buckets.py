"""Pictures in a real S3 server: signed, bounded, and of the named buckets alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.standalone.compose import compose
from services.standalone.settings import StandaloneSettings
from shoplens.buckets import Buckets, BucketSettings
from shoplens.domain import ImageSource, ProductDetails, ProductDraft
from shoplens.errors import ForbiddenAddress, PictureTooLarge, PictureUnreachable, UnreadablePicture
from shoplens.fetcher import Fetcher, Validators
from shoplens.testing.pictures import png
from tools.stack.ports import free_port
from tools.stack.versitygw import S3Server

pytestmark = pytest.mark.timeout(900)


KEY = "summer 26/größe+1?.png"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("storage")) as running:
        for bucket in ("pictures", "private"):
            running.put(bucket, KEY, png(1))
        running.put("pictures", "large.png", bytes(200_000))
        yield running


@pytest.fixture
def credentials(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def buckets(server: S3Server, credentials: None) -> Buckets:
    return Buckets(BucketSettings(buckets="pictures, other", endpoint=server.url))


@pytest.fixture
def fetcher(buckets: Buckets) -> Iterator[Fetcher]:
    with Fetcher(buckets=buckets, max_bytes=100_000) as fetcher:
        yield fetcher


def test_a_picture_is_read_and_not_sent_again_while_it_is_the_same(fetcher: Fetcher, server: S3Server) -> None:
    address = f"s3://pictures/{KEY}"
    fetched = fetcher.revisit(address, Validators())
    assert fetched.content == png(1)
    assert fetcher.revisit(address, fetched.validators).content is None
    server.put("pictures", KEY, png(2))
    assert fetcher.revisit(address, fetched.validators).content == png(2)
    server.put("pictures", KEY, png(1))


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        (f"s3://private/{KEY}", ForbiddenAddress, "SHOPLENS_S3_BUCKETS"),
        (f"s3://pictures/../private/{KEY}", UnreadablePicture, "answered 4"),
        ("s3://pictures", ForbiddenAddress, "a bucket and a key"),
        ("s3:///large.png", ForbiddenAddress, "SHOPLENS_S3_BUCKETS"),
        ("s3://pictures/none.png", UnreadablePicture, "answered 404"),
        ("s3://pictures/large.png", PictureTooLarge, "larger than 100,000 bytes"),
    ],
)
def test_what_may_not_or_cannot_be_read_is_told(fetcher: Fetcher, address: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        fetcher.fetch(address)
    assert "Signature" not in str(raised.value)


def test_a_wrong_secret_is_refused_by_the_storage(server: S3Server, monkeypatch: pytest.MonkeyPatch, credentials: None) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    wrong = Buckets(BucketSettings(buckets="pictures", endpoint=server.url))
    with Fetcher(buckets=wrong) as fetcher, pytest.raises(UnreadablePicture, match="answered 403"):
        fetcher.fetch("s3://pictures/large.png")


def test_storage_that_is_away_is_waited_for(credentials: None) -> None:
    nowhere = Buckets(BucketSettings(buckets="pictures", endpoint=f"http://127.0.0.1:{free_port()}"))
    with Fetcher(buckets=nowhere) as fetcher, pytest.raises(PictureUnreachable, match="cannot be reached"):
        fetcher.fetch("s3://pictures/large.png")


def test_a_shop_that_names_buckets_fills_its_catalogue_from_them_and_a_shopper_does_not(
    server: S3Server, credentials: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPLENS_S3_BUCKETS", "pictures")
    monkeypatch.setenv("SHOPLENS_S3_ENDPOINT", server.url)
    address = f"s3://pictures/{KEY}"
    with compose(StandaloneSettings(data=tmp_path)) as parts:
        parts.ingest.put(ProductDraft("p1", ProductDetails(title="One"), (ImageSource("1", uri=address),)))
        assert parts.catalogue.picture("p1", "1").content == png(1)
        with pytest.raises(ForbiddenAddress):
            parts.fetcher.fetch(address)
        private = ImageSource("1", uri=address.replace("pictures", "private"))
        with pytest.raises(ForbiddenAddress):
            parts.ingest.put(ProductDraft("p2", ProductDetails(title="Two"), (private,)))
