"""What an address in S3 becomes, without any storage."""

from __future__ import annotations

import pytest

from shoplens.buckets import Buckets, BucketSettings
from shoplens.errors import FailedPrecondition, ForbiddenAddress, PictureUnreachable
from shoplens.fetcher import Fetcher


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "shop")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "for-a-test-alone")


def test_an_address_is_signed_for_a_minute(key: None) -> None:
    signed = Buckets(BucketSettings(buckets="pictures", endpoint="http://storage:9000")).signed("s3://pictures/a b/ü#1.jpg")
    assert signed.startswith("http://storage:9000/pictures/a%20b/%C3%BC%231.jpg?")
    assert "X-Amz-Expires=60" in signed
    assert "for-a-test-alone" not in signed


def test_aws_has_a_host_for_each_bucket(key: None) -> None:
    signed = Buckets(BucketSettings(buckets="pictures", region="eu-central-1")).signed("s3://pictures/1.jpg")
    assert signed.startswith("https://pictures.s3.eu-central-1.amazonaws.com/1.jpg?")


def test_no_bucket_is_open_by_itself(key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOPLENS_S3_BUCKETS", raising=False)
    assert Buckets.from_environment() is None
    with Fetcher() as fetcher, pytest.raises(ForbiddenAddress):
        fetcher.fetch("s3://pictures/1.jpg")


def test_without_credentials_the_picture_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(PictureUnreachable, match="give this process credentials"):
        Buckets(BucketSettings(buckets="pictures")).signed("s3://pictures/1.jpg")


def test_an_endpoint_that_is_no_address_is_refused(key: None) -> None:
    with pytest.raises(FailedPrecondition, match="give one as in"):
        Buckets(BucketSettings(buckets="pictures", endpoint="storage"))
