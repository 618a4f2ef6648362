"""How what is forwarded is asked: at loopback itself, never through a proxy of the environment, which would get the token."""

from collections.abc import Mapping

import httpx

from ibgateway_api import names
from ibgateway_cli.errors import ExitCode, PluginError


def direct(transport: httpx.BaseTransport | None) -> httpx.BaseTransport:
    """A transport without proxies; a test's own stays."""
    return transport or httpx.HTTPTransport(trust_env=False)


def token_of(secret: str, keys: Mapping[str, bytes]) -> str:
    """The token of a Secret. Raises PluginError for one that no header can have, and does not show it."""
    token = keys.get(names.SECRET_TOKEN, b"").strip()
    if not token or not all(0x21 <= sign <= 0x7E for sign in token):
        raise PluginError(
            f"the Secret {secret} has no usable {names.SECRET_TOKEN}",
            "delete it: the operator makes another one",
            ExitCode.NOT_FOUND,
        )
    return token.decode()
