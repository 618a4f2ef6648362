"""Desired state: pure builders from a `DesiredInput` to plain manifests, one module a concern."""

from ibgateway_operator.desired.accounts import service_accounts
from ibgateway_operator.desired.config import config_maps
from ibgateway_operator.desired.console import console
from ibgateway_operator.desired.executor import executor
from ibgateway_operator.desired.gateway import gateway
from ibgateway_operator.desired.input import DesiredInput
from ibgateway_operator.desired.network import network_policies
from ibgateway_operator.desired.services import services
from ibgateway_operator.errors import UnbuildableSpecError
from ibgateway_operator.model.manifests import Manifest

__all__ = ["DesiredInput", "desired"]


def desired(given: DesiredInput) -> list[Manifest]:
    """Every applied child, in the order it is applied: what pods need comes before them.

    Raises UnbuildableSpecError for a value that no builder knows what to do with.
    """
    try:
        return _built(given)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UnbuildableSpecError(str(error)) from error


def _built(given: DesiredInput) -> list[Manifest]:
    return [
        *service_accounts(given),
        *config_maps(given),
        *services(given),
        *network_policies(given),
        *gateway(given),
        *executor(given),
        *console(given),
    ]
