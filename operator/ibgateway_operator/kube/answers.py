"""What the API server answers, as a document or as an error of ours. Pure."""

import json
from typing import Final

from ibgateway_operator.errors import (
    ApiError,
    ApiUnavailableError,
    ConflictError,
    InvalidError,
    NotFoundError,
    OperatorError,
)
from ibgateway_operator.model.manifests import Manifest

_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_ANOTHER_UID: Final = "metadata.uid: Invalid value"
_WRONG_OBJECT: Final = ("failed to convert new object", "field not declared in schema")
"""Server-side apply says so with a 500, although it is the object that is wrong."""


def seconds_of(retry_after: str | None) -> float | None:
    """What Retry-After says; Kubernetes writes whole seconds. None where it says nothing."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def document_of(status: int, text: bytes, after: float = 0.0) -> Manifest:
    """The document of a success. Raises ApiError, ApiUnavailableError with `after`."""
    try:
        document: Manifest = json.loads(text or b"{}")
    except ValueError:
        document = {"message": "the answer is not JSON"}
    if status < 300:
        return document
    raise error_of(status, str(document.get("message", "")), after)


def error_of(status: int, message: str, after: float = 0.0) -> OperatorError:
    """The error that a status and its message are; `after`: seconds for which the server asks."""
    if any(words in message for words in _WRONG_OBJECT):
        return InvalidError(422, message)
    if _ANOTHER_UID in message:
        return ConflictError(409, message)
    if status in _BUSY:
        return ApiUnavailableError(f"{status}: {message}", after=after)
    kinds: dict[int, type[ApiError]] = {
        404: NotFoundError,
        409: ConflictError,
        400: InvalidError,
        422: InvalidError,
    }
    return kinds.get(status, ApiError)(status, message)
