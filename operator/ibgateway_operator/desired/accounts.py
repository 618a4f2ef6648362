"""ServiceAccounts: one a component, none with a token. Pure."""

from ibgateway_api.names import Component
from ibgateway_operator.desired.input import DesiredInput, manifest
from ibgateway_operator.model.kinds import SERVICE_ACCOUNT
from ibgateway_operator.model.manifests import Manifest


def service_accounts(given: DesiredInput) -> list[Manifest]:
    """An account for each component that runs."""
    wanted = [Component.GATEWAY]
    if given.spec.executor.enabled:
        wanted.append(Component.EXECUTOR)
    if given.spec.novnc.enabled:
        wanted.append(Component.CONSOLE)
    return [_account(given, component) for component in wanted]


def _account(given: DesiredInput, component: Component) -> Manifest:
    return manifest(
        given,
        SERVICE_ACCOUNT,
        f"{given.key.name}-{component}",
        component,
        automountServiceAccountToken=False,
    )
