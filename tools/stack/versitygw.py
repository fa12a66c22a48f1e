"""A real server that speaks S3, over a folder: built once from its Go module, which takes a minute or two, and kept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from botocore.session import Session
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tools.golang import program
from tools.stack.ports import free_port

VERSION = "v1.8.0"
MODULE = "github.com/versity/versitygw/cmd/versitygw"
_START_S = 60.0


class S3Server:
    """Keeps its buckets in ``folder``. Use it as a context.

    environment: the credentials of its one account, as every tool of AWS' reads them.
    """

    def __init__(self, folder: Path) -> None:
        self._buckets, self._about = folder / "buckets", folder / "about"
        for each in (self._buckets, self._about):
            each.mkdir(parents=True)
        self._port = free_port()
        self.environment = {"AWS_ACCESS_KEY_ID": "shop", "AWS_SECRET_ACCESS_KEY": "for-a-test-alone"}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        names = {"ROOT_ACCESS_KEY": self.environment["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": self.environment["AWS_SECRET_ACCESS_KEY"]}
        listening = ["--port", f"127.0.0.1:{self._port}", "--health", "/health"]
        command = [str(program(MODULE, VERSION)), *listening, "posix", "--sidecar", str(self._about), str(self._buckets)]
        self._process = subprocess.Popen(
            command, env={**os.environ, **names}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        ready = Retrying(
            retry=retry_if_exception_type(httpx.HTTPError), wait=wait_fixed(0.1), stop=stop_after_delay(_START_S), reraise=True
        )
        ready(lambda: httpx.get(f"{self.url}/health", trust_env=False).raise_for_status())
        return self

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """An object, in a bucket that is made where there is none."""
        client = Session().create_client(
            "s3",
            "us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )
        if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key=key, Body=content)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
