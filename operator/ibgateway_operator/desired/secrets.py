"""The Secrets the operator makes: created once, never overwritten, never read back into a manifest. Pure."""

import base64

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_api.spec import ConsoleAuth
from ibgateway_operator.desired.input import DesiredInput, manifest
from ibgateway_operator.model.kinds import SECRET
from ibgateway_operator.model.manifests import Manifest


def secret_names(given: DesiredInput) -> dict[str, Component]:
    """The token Secrets that must exist."""
    own = given.children
    wanted = {own.agent_token: Component.GATEWAY, own.gate_token: Component.GATEWAY}
    if given.spec.executor.runs_executor:
        wanted[given.children.executor_token] = Component.EXECUTOR
    if given.spec.novnc.enabled and given.spec.novnc.auth is ConsoleAuth.TOKEN:
        wanted[given.console_token] = Component.CONSOLE
    return wanted


def token_secret(given: DesiredInput, name: str, token: str) -> Manifest:
    """A Secret with a fresh random token."""
    component = secret_names(given)[name]
    return _secret(given, name, component, {names.SECRET_TOKEN: token})


def vnc_secret(given: DesiredInput) -> Manifest:
    """The documented default VNC password of paper mode."""
    data = {names.SECRET_VNC_PASSWORD: names.DEFAULT_VNC_PASSWORD}
    return _secret(given, given.vnc_secret, Component.GATEWAY, data)


def _secret(given: DesiredInput, name: str, component: Component, data: dict[str, str]) -> Manifest:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return manifest(given, SECRET, name, component, type="Opaque", data=encoded)
