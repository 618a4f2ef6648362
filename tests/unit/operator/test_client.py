"""The API server's answers as errors of our own."""

import json

import pytest

from ibgateway_operator.errors import (
    ApiError,
    ApiUnavailableError,
    ConflictError,
    InvalidError,
    NotFoundError,
)
from ibgateway_operator.kube.client import _answer


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFoundError),
        (409, ConflictError),
        (422, InvalidError),
        (403, ApiError),
        (429, ApiUnavailableError),
        (503, ApiUnavailableError),
    ],
)
def test_answers_become_errors(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="the words"):
        _answer(status, json.dumps({"message": "the words"}).encode())


def test_a_page_of_a_proxy_is_no_answer() -> None:
    with pytest.raises(ApiUnavailableError, match="not JSON"):
        _answer(502, b"<html>bad gateway</html>")
