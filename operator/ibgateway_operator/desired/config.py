"""The settings files of sentinel and executor, in ConfigMaps. Pure.

A change of them restarts nothing: the programs read their file again. The pod carries a hash of its
settings as an annotation, because a changed pod makes the kubelet refresh the mounted file at once.
"""

from ibgateway_api import names
from ibgateway_api.gate import GateReason
from ibgateway_api.names import Component
from ibgateway_api.reports import HoldReport
from ibgateway_api.settings import ExecutorSettings, SentinelSettings
from ibgateway_operator.desired.input import DesiredInput, manifest
from ibgateway_operator.model.kinds import CONFIG_MAP
from ibgateway_operator.model.manifests import Manifest, digest

SETTINGS_KEY = "settings.json"
WRAPPER_KEY = "wrapper.sh"
PRESTOP_KEY = "prestop.sh"
IBC_KEY = "10-ibc.sh"


def config_maps(plan: DesiredInput) -> list[Manifest]:
    """The gateway's ConfigMap, and the executor's where it runs."""
    maps = [_gateway(plan)]
    return [*maps, _executor(plan)] if plan.spec.executor.enabled else maps


def settings_hash(config_map: Manifest) -> str:
    """What the pods that mount it are annotated with."""
    return digest(config_map["data"])


def _gateway(plan: DesiredInput) -> Manifest:
    data = {
        SETTINGS_KEY: sentinel_settings(plan).to_json(),
        WRAPPER_KEY: plan.scripts.wrapper,
        PRESTOP_KEY: plan.scripts.prestop,
        IBC_KEY: plan.scripts.ibc,
    }
    return manifest(plan, CONFIG_MAP, plan.children.gateway, Component.GATEWAY, data=data)


def _executor(plan: DesiredInput) -> Manifest:
    data = {SETTINGS_KEY: executor_settings(plan).to_json()}
    return manifest(plan, CONFIG_MAP, plan.children.executor, Component.EXECUTOR, data=data)


def sentinel_settings(plan: DesiredInput) -> SentinelSettings:
    """What the sentinel is told."""
    return SentinelSettings(
        trading_mode=plan.spec.trading_mode,
        expected_accounts=tuple(plan.spec.executor.accounts),
        existing_session=plan.spec.login.existing_session,
        daily_take_overs=plan.spec.login.daily_take_overs,
        login=plan.spec.login.as_policy(),
        calendar=plan.calendar,
    )


def executor_settings(plan: DesiredInput) -> ExecutorSettings:
    """What the executor is told."""
    spec = plan.spec.executor
    host = plan.children.sentinel_host(plan.key.namespace)
    return ExecutorSettings(
        namespace=plan.key.namespace,
        gateway=plan.key.name,
        trading_mode=plan.spec.trading_mode,
        api_host=host,
        api_port=plan.api_port,
        sentinel_url=f"http://{host}:{names.PORT_SENTINEL}",
        client_id=spec.client_id,
        accounts=tuple(spec.accounts),
        market_closed=spec.market_closed,
        cash_reserve_percent=spec.cash_reserve_percent,
        max_order_value=spec.limits.max_order_value,
        max_orders_per_day=spec.limits.max_orders_per_day,
        restart=plan.spec.weekly_restart.as_restart_time(),
        calendar=plan.calendar,
        holds=(HoldReport(reason=GateReason.SUSPENDED),) if plan.spec.suspend else (),
    )
