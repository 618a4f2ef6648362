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


@pytest.mark.parametrize(
    "words",
    [
        "failed to convert new object (trading/paper-gateway; apps/v1, Kind=StatefulSet) to proper"
        " version: quantities must match the regular expression",
        "failed to create typed patch object (trading/paper-gateway; apps/v1, Kind=StatefulSet):"
        " .spec.template.spec.containers[0].resources.limit: field not declared in schema",
    ],
)
def test_an_apply_that_is_wrong_itself_is_no_outage_although_it_is_answered_500(words: str) -> None:
    with pytest.raises(InvalidError, match="Kind=StatefulSet"):
        _answer(500, json.dumps({"message": words}).encode())
