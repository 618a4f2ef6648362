"""The query of a request, read strictly: a misspelt filter must not show everything."""

from collections import Counter
from collections.abc import Collection

from fastapi import Request
from fastapi.exceptions import RequestValidationError


def check_query(request: Request, known: Collection[str]) -> None:
    """RequestValidationError for a parameter that is none of the route's, or stands twice."""
    if not request.scope["query_string"]:
        return
    counted = Counter(name for name, _ in request.query_params.multi_items())
    wrong = [
        *(_error(name, "is not a parameter of this path") for name in counted if name not in known),
        *(_error(name, "stands in it twice") for name, times in counted.items() if times > 1),
    ]
    if wrong:
        raise RequestValidationError(wrong)


def _error(name: str, words: str) -> dict[str, object]:
    return {"type": "value_error", "loc": ("query", name), "msg": words}
