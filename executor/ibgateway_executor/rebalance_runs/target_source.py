"""Targets from a URL: fetched with limits, read strictly, the last good ones kept on the volume.

The document is the body of `POST /v1/rebalances` without `account`. Nobody but the URL's own host is shown the token: a redirect is not followed, and
neither token nor query stands in a log line, an answer or an error.
"""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from pydantic import AwareDatetime, ValidationError

from ibgateway_api.document import Document
from ibgateway_api.targets import plain_http_allowed, shown
from ibgateway_executor.errors import TargetsError
from ibgateway_executor.intake.body import parse
from ibgateway_executor.intake.rebalance_schema import RebalanceBody

logger = logging.getLogger(__name__)

FETCH_SECONDS: Final = 20.0
LARGEST: Final = 256 * 1024
"""Bytes: five hundred targets are a fifth of it."""


class KeptTargets(Document):
    """The last good document of a source, and when it came."""

    source: str
    fetched_at: AwareDatetime
    body: dict[str, Any]


@dataclass(frozen=True)
class TargetSource:
    """Where targets come from, and where the last good ones are kept. `token` is read anew for each fetch, empty where there is none."""

    session: aiohttp.ClientSession
    token: Callable[[], bytes]
    kept: Path

    async def fetch(self, url: str, now: datetime) -> RebalanceBody:
        """The targets of now, kept as the last good ones. TargetsError that says what is wrong, and not with which token."""
        text = await self._get(url)
        try:
            document = parse(text)
            body = RebalanceBody.model_validate(document)
        except json.JSONDecodeError as error:
            raise TargetsError(f"{shown(url)}: it is no JSON: {error.msg}") from error
        except ValidationError as error:
            raise TargetsError(f"{shown(url)}: {_words(error)}") from error
        if body.account:
            raise TargetsError(
                f"{shown(url)}: account is said by spec.executor.targets, not by the source"
            )
        self._keep(KeptTargets(source=shown(url), fetched_at=now, body=document))
        return body

    def last_good(self) -> KeptTargets | None:
        """What was kept; None where there is nothing that can be read."""
        try:
            return KeptTargets.model_validate_json(self.kept.read_bytes())
        except (OSError, ValueError):
            return None

    async def _get(self, url: str) -> bytes:
        if urlsplit(url).scheme != "https" and not plain_http_allowed(url):
            raise TargetsError(f"{shown(url)}: use https: the token would be read on the way")
        token = self.token().decode()
        headers = {"Accept": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        limit = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with self.session.get(
                url, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                text = await _limited(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise TargetsError(f"{shown(url)}: {type(error).__name__}") from error
        if response.status != 200:
            raise TargetsError(f"{shown(url)}: it answers {response.status}")
        return text

    def _keep(self, fetched: KeptTargets) -> None:
        """Whole or not at all. A full disk costs the copy, not the rebalance."""
        new = self.kept.with_suffix(".new")
        try:
            new.write_text(fetched.to_json())
            os.replace(new, self.kept)  # noqa: PTH105 - the same, in one word
        except OSError as error:
            logger.warning("the last targets can't be kept: %s", error.strerror)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    text = bytearray()
    async for piece in response.content.iter_any():
        text += piece
        if len(text) > LARGEST:
            raise TargetsError(f"the document has more than {LARGEST} bytes")
    return bytes(text)


def _words(error: ValidationError) -> str:
    """Where, and what to do; never the values."""
    told = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in told[:5])
