"""Where a page of a list ended: the cursor that leads to the next one, and the header Link.

A cursor has the place of the last entry that was seen, in the list's own order, and a digest of the list and its filters: under others it is
an error and not a hole.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Response
from fastapi.exceptions import RequestValidationError

LARGEST_PAGE: Final = 500
LARGEST_SEQUENCE: Final = 2**63 - 1
"""What the ledger can hold."""
LONGEST_CURSOR: Final = 150
_CURSOR: Final = re.compile(r"([!-~]{1,90})-([0-9a-f]{12})")
_SEQUENCE: Final = re.compile(r"[0-9]{1,19}")

T = TypeVar("T")

Cursor = Annotated[str, Query(max_length=LONGEST_CURSOR)]
"""What a route takes; empty on the first page."""


class PageQuery(NamedTuple):
    """What is asked for: the list's path, and its filters as they stand in a query, one text for each meaning."""

    path: str
    filters: Mapping[str, str] = {}

    def cursor(self, place: object) -> str:
        """What leads to the entries after this place: visible ASCII without a space."""
        said = f"{place}-{self._digest()}"
        return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")

    def place(self, cursor: str) -> str:
        """The place behind a cursor; RequestValidationError for one that belongs to another list or filters, or is none."""
        found = _CURSOR.fullmatch(_decoded(cursor))
        if found is None:
            raise _unreadable()
        if found[2] != self._digest():
            raise _invalid("it belongs to other filters: repeat those of the first page")
        return found[1]

    def sequence(self, cursor: str) -> int:
        """A place that is a number of the ledger's; 0 on the first page."""
        if not cursor:
            return 0
        place = self.place(cursor)
        if not _SEQUENCE.fullmatch(place) or int(place) > LARGEST_SEQUENCE:
            raise _unreadable()
        return int(place)

    def page(
        self, found: Sequence[T], limit: int, response: Response, place: Callable[[T], object]
    ) -> tuple[Sequence[T], str | None]:
        """The first `limit` of what was found, and the cursor of the following page: None where nothing follows."""
        page = found[:limit]
        if len(found) <= limit:
            return page, None
        follows = self.cursor(place(page[-1]))
        query = urlencode({**self.filters, "limit": limit, "cursor": follows})
        response.headers["Link"] = f'<{self.path}?{query}>; rel="next"'
        return page, follows

    def _digest(self) -> str:
        said = json.dumps([self.path, self.filters], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _unreadable() -> RequestValidationError:
    return _invalid("give the cursor exactly as `next` had it")


def _invalid(words: str) -> RequestValidationError:
    return RequestValidationError(
        [{"type": "value_error", "loc": ("query", "cursor"), "msg": words}]
    )
