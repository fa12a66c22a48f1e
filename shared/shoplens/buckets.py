"""Pictures in S3-compatible storage: ``s3://bucket/key`` becomes an address of the storage's web server, signed for a minute.

Whoever writes a feed or an event names addresses, and this process has the shop's credentials: so only the buckets that were named
may be read. Credentials come as the storage's own tools find them (environment, profile, the role of a pod or a machine).
Signatures are AWS' Version 4 (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from shoplens.config import Settings, prefix
from shoplens.errors import FailedPrecondition, ForbiddenAddress, PictureUnreachable

SCHEME: Final = "s3"
SIGNED_S: Final = 60


class BucketSettings(Settings):
    """Read from ``SHOPLENS_S3_…``, by those who write the catalogue; a shopper's address never leads here."""

    model_config = prefix("S3")

    buckets: str = Field(default="", description="The buckets whose pictures may be read, with commas; none, and s3:// is refused.")
    endpoint: str = Field(default="", description="Storage that is not AWS': its http(s)://host:port.")
    region: str = Field(default="us-east-1", description="The region of the buckets.")


class Buckets:
    """Signs addresses; safe to use from many threads."""

    def __init__(self, settings: BucketSettings) -> None:
        """Raises ``FailedPrecondition`` where the extra is not installed, or the endpoint is no address."""
        self._names = frozenset(filter(None, map(str.strip, settings.buckets.split(","))))
        try:
            from botocore.config import Config  # what signs for AWS is large, and few need it
            from botocore.session import Session
        except ImportError as error:
            raise FailedPrecondition("Pictures in S3 need the extra `s3`: pip install 'shoplens[s3]'.") from error
        # A bucket's name in the path: storage beside AWS' seldom has a name of its own for each.
        config = Config(signature_version="s3v4", s3={"addressing_style": "path" if settings.endpoint else "virtual"})
        try:
            self._client = Session().create_client("s3", settings.region, endpoint_url=settings.endpoint or None, config=config)
        except ValueError as error:
            raise FailedPrecondition(
                f"The storage's endpoint will not do ({error}); give one as in https://storage.example:9000."
            ) from error

    @classmethod
    def from_environment(cls) -> Buckets | None:
        """None where no bucket is named. Raises ``SettingsError`` and ``FailedPrecondition``."""
        settings = BucketSettings.from_environment()
        return cls(settings) if settings.buckets else None

    def signed(self, uri: str) -> str:
        """Where to get ``s3://bucket/key`` within the next minute.

        Raises ``ForbiddenAddress`` for another bucket, and ``PictureUnreachable`` where there are no credentials.
        """
        from botocore.exceptions import BotoCoreError

        bucket, _, key = uri.partition("://")[2].partition("/")
        if bucket not in self._names:
            raise ForbiddenAddress(f"The bucket of s3://{bucket[:63]}/ is not one that may be read here (SHOPLENS_S3_BUCKETS).")
        if not key:
            raise ForbiddenAddress("An address in S3 names a bucket and a key, as in s3://bucket/pictures/1042.jpg.")
        try:
            signed: str = self._client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=SIGNED_S)
        except BotoCoreError as error:
            raise PictureUnreachable(f"No address in S3 can be signed here ({error}); give this process credentials.") from error
        return signed
