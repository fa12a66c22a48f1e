"""What a failure of Milvus is to whoever called."""

from __future__ import annotations

import pytest
from pymilvus import MilvusException

from services.catalogue.connection import Milvus
from shoplens.errors import DeadlineExceeded, InternalError, ShoplensError, Unavailable


@pytest.mark.parametrize(
    ("code", "message", "error", "words"),
    [
        (101, "failed to search: collection not loaded", Unavailable, "loading its collections"),
        (503, "channel not available", Unavailable, "loading its collections"),
        (1, "wait for loading collection timeout", DeadlineExceeded, "in time"),
        (65_535, "something else", InternalError, "the log says why"),
    ],
)
def test_each_failure_says_what_to_do(code: int, message: str, error: type[ShoplensError], words: str) -> None:
    milvus = Milvus.__new__(Milvus)
    milvus.embedded, milvus.name = None, "http://127.0.0.1:19530"
    translated = milvus._translated(MilvusException(code, message))
    assert type(translated) is error
    assert words in translated.message
