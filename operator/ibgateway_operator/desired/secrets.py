"""The Secrets the operator makes: created once, never overwritten, never read back into a manifest. Pure."""

import base64

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_api.spec import ConsoleAuth
from ibgateway_operator.desired.input import DesiredInput, manifest
from ibgateway_operator.model.kinds import SECRET
from ibgateway_operator.model.manifests import Manifest


def secret_names(plan: DesiredInput) -> dict[str, Component]:
    """The token Secrets that must exist."""
    wanted = {plan.children.agent_token: Component.GATEWAY}
    if plan.spec.executor.enabled:
        wanted[plan.children.executor_token] = Component.EXECUTOR
    if plan.spec.novnc.enabled and plan.spec.novnc.auth is ConsoleAuth.TOKEN:
        wanted[plan.console_token] = Component.CONSOLE
    return wanted


def token_secret(plan: DesiredInput, name: str, token: str) -> Manifest:
    """A Secret with a fresh random token."""
    component = secret_names(plan)[name]
    return _secret(plan, name, component, {names.SECRET_TOKEN: token})


def vnc_secret(plan: DesiredInput) -> Manifest:
    """The documented default VNC password of paper mode."""
    data = {names.SECRET_VNC_PASSWORD: names.DEFAULT_VNC_PASSWORD}
    return _secret(plan, plan.vnc_secret, Component.GATEWAY, data)


def _secret(plan: DesiredInput, name: str, component: Component, data: dict[str, str]) -> Manifest:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return manifest(plan, SECRET, name, component, type="Opaque", data=encoded)
