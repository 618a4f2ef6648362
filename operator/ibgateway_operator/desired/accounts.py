"""ServiceAccounts: one a component, none with a token. Pure."""

from ibgateway_api.names import Component
from ibgateway_operator.desired.input import DesiredInput, manifest
from ibgateway_operator.model.kinds import SERVICE_ACCOUNT
from ibgateway_operator.model.manifests import Manifest


def service_accounts(plan: DesiredInput) -> list[Manifest]:
    """An account for each component that runs."""
    wanted = [Component.GATEWAY]
    if plan.spec.executor.enabled:
        wanted.append(Component.EXECUTOR)
    if plan.spec.novnc.enabled:
        wanted.append(Component.CONSOLE)
    return [_account(plan, component) for component in wanted]


def _account(plan: DesiredInput, component: Component) -> Manifest:
    return manifest(
        plan,
        SERVICE_ACCOUNT,
        f"{plan.key.name}-{component}",
        component,
        automountServiceAccountToken=False,
    )
