"""Pure checks of who may talk to the console: the Host header, the Origin, the token offered.

Host: a page of another name that resolves to this address (DNS rebinding) is refused, because only
loopback names, the Service's names and the hosts of allowed origins are served. Origin: WebSockets
do not obey the same-origin rule, so any page a person has open could connect; only the console's
own page, or an allowed origin, may. A header sent twice, or not at all, is refused.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
PROTOCOL: Final = "binary"
"""The WebSocket subprotocol of RFB; the one the console answers with."""
TOKEN_PREFIX: Final = "token."  # noqa: S105 - a prefix
"""A second subprotocol carries the token as unpadded base64url: browsers set no other header."""

_AUTHORITY: Final = re.compile(
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?"
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class RequestGuard:
    """Which hosts are served and which foreign origins may open the bridge (both lower case)."""

    hosts: frozenset[str]
    allowed_origins: frozenset[str]

    def host_problem(self, hosts: Sequence[str]) -> str | None:
        """Why a request with these Host headers is refused, or None."""
        authority = _authority(hosts[0]) if len(hosts) == 1 else None
        if authority is None:
            return "the Host header is missing or malformed"
        if authority[0] in LOOPBACK | self.hosts | self._origin_hosts():
            return None
        return "this console does not serve that host"

    def origin_problem(self, *, hosts: Sequence[str], origins: Sequence[str]) -> str | None:
        """Why a WebSocket with these Host and Origin headers is refused, or None."""
        origin = normal_origin(origins[0]) if len(origins) == 1 else None
        if origin is None:
            return "the Origin header is missing or malformed"
        if origin in self.allowed_origins or [origin] == [self._own_origin(host) for host in hosts]:
            return None
        return "the page's origin is not allowed"

    def _own_origin(self, host: str) -> str | None:
        """Of the page under this Host; a host of allowed origins has those alone, so that `https` is not had by `http`."""
        authority = _authority(host)
        own = LOOPBACK | self.hosts
        return own_origin(host) if authority and authority[0] in own else None

    def _origin_hosts(self) -> frozenset[str]:
        found = (_authority(origin.partition("://")[2]) for origin in self.allowed_origins)
        return frozenset(authority[0] for authority in found if authority)


def own_origin(host: str) -> str | None:
    """The origin of the console's own page when it is served under this Host header."""
    return normal_origin(f"http://{host}")


def normal_origin(text: str) -> str | None:
    """`scheme://host:port` in lower case with the port written out; None if it is no web origin."""
    scheme, separator, rest = text.lower().partition("://")
    authority = _authority(rest)
    if not separator or scheme not in _DEFAULT_PORTS or authority is None:
        return None
    host, port = authority
    return f"{scheme}://{host}:{_DEFAULT_PORTS[scheme] if port is None else port}"


def offered_protocols(headers: Sequence[str]) -> list[str] | None:
    """The subprotocols asked for; None if the header comes twice or does not ask for `binary`.

    Nothing asked is fine (an empty list): RFB needs no subprotocol.
    """
    if not headers:
        return []
    protocols = [part.strip() for part in headers[0].split(",")]
    return protocols if len(headers) == 1 and PROTOCOL in protocols else None


def token_matches(protocols: Sequence[str], expected: bytes) -> bool:
    """Whether exactly one token is offered and is the expected one; an empty one never is."""
    offered = [part for part in protocols if part.startswith(TOKEN_PREFIX)]
    if len(offered) != 1 or not expected:
        return False
    return hmac.compare_digest(_decoded(offered[0].removeprefix(TOKEN_PREFIX)), expected)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _authority(text: str) -> tuple[str, int | None] | None:
    match = _AUTHORITY.fullmatch(text.lower())
    if match is None:
        return None
    port = None if match["port"] is None else int(match["port"])
    return None if port is not None and not 0 < port < 65536 else (match["host"], port)
