"""The settings files of sentinel and executor, in ConfigMaps. Pure.

A change of them restarts nothing: the programs read their file again. The pod carries a hash of its
settings as an annotation, because a changed pod makes the kubelet refresh the mounted file at once.
"""

import json

from ibgateway_api import names
from ibgateway_api.executor_spec import TargetsSpec
from ibgateway_api.gate import GateReason
from ibgateway_api.names import Component
from ibgateway_api.reports import HoldReport
from ibgateway_api.settings import (
    ExecutorSettings,
    NotificationSettings,
    SentinelSettings,
    TargetSettings,
)
from ibgateway_operator.desired.input import DesiredInput, manifest
from ibgateway_operator.model.kinds import CONFIG_MAP
from ibgateway_operator.model.manifests import Manifest, digest

SETTINGS_KEY = "settings.json"
WRAPPER_KEY = "wrapper.sh"
PRESTOP_KEY = "prestop.sh"
IBC_KEY = "10-ibc.sh"
_READ_ONCE = "loggedInBefore"
"""The sentinel asks for this when it starts; the kubelet brings it by itself until then."""


def config_maps(given: DesiredInput) -> list[Manifest]:
    """The gateway's ConfigMap, and the executor's where it runs."""
    maps = [_gateway(given)]
    if given.spec.executor.runs_executor:
        return [*maps, _executor(given)]
    return [*maps, _kept(given)] if given.kept_settings else maps


def settings_hash(config_map: Manifest) -> str:
    """What the pods that mount it are annotated with: everything that is read while they run."""
    data = config_map["data"]
    settings = json.loads(data[SETTINGS_KEY])
    return digest({**data, SETTINGS_KEY: {k: v for k, v in settings.items() if k != _READ_ONCE}})


def differs_by_note(stored: Manifest, wanted: Manifest) -> bool:
    """Whether two of a gateway's ConfigMaps differ in what the sentinel asks for at its start, and in nothing else."""
    try:
        same = settings_hash(stored) == settings_hash(wanted)
    except (KeyError, ValueError):
        return False  # somebody has edited it
    metas = [stored["metadata"], wanted["metadata"]]
    labels = [meta.get("labels") for meta in metas]
    return same and labels[0] == labels[1] and stored["data"] != wanted["data"]


def _gateway(given: DesiredInput) -> Manifest:
    data = {
        SETTINGS_KEY: sentinel_settings(given).to_json(),
        WRAPPER_KEY: given.scripts.wrapper,
        PRESTOP_KEY: given.scripts.prestop,
        IBC_KEY: given.scripts.ibc,
    }
    return manifest(given, CONFIG_MAP, given.children.gateway, Component.GATEWAY, data=data)


def _executor(given: DesiredInput) -> Manifest:
    data = {SETTINGS_KEY: executor_settings(given).to_json()}
    return manifest(given, CONFIG_MAP, given.children.executor, Component.EXECUTOR, data=data)


def _kept(given: DesiredInput) -> Manifest:
    """Of an executor that a program is to take the place of: as it was, with the holds of now.

    One that is switched off drains at once: its own gate closes, and nobody else's.
    """
    leaves = () if given.spec.executor.enabled else (HoldReport(reason=GateReason.PLANNED_STOP),)
    told = dict.fromkeys((*_hold_reports(given), *leaves))
    holds = [hold.model_dump(mode="json", by_alias=True) for hold in told]
    settings = {**json.loads(given.kept_settings), "holds": holds}
    data = {SETTINGS_KEY: json.dumps(settings, separators=(",", ":"))}
    return manifest(given, CONFIG_MAP, given.children.executor, Component.EXECUTOR, data=data)


def sentinel_settings(given: DesiredInput) -> SentinelSettings:
    """What the sentinel is told."""
    return SentinelSettings(
        trading_mode=given.spec.trading_mode,
        expected_accounts=tuple(given.spec.executor.accounts),
        existing_session=given.spec.login.existing_session,
        daily_take_overs=given.spec.login.daily_take_overs,
        login=given.spec.login.as_policy(),
        restart=given.spec.weekly_restart.as_restart_time(passed=given.restart_passed),
        calendar=given.calendar,
        notifications=_notifications(given),
        logins_allowed=given.logins_allowed,
        needs_turn=given.needs_turn,
        logged_in_before=given.logged_in_before,
        holds=_hold_reports(given),
        pause=given.pause,
        resume_requested=given.resume_requested,
    )


def _notifications(given: DesiredInput) -> NotificationSettings | None:
    wanted = given.spec.notifications
    if wanted.secret_ref is None:
        return None
    return NotificationSettings(
        namespace=given.key.namespace,
        gateway=given.key.name,
        minimum_severity=wanted.minimum_severity,
        batch_seconds=wanted.batch_seconds,
        reminder_seconds=wanted.reminder_seconds,
    )


def executor_settings(given: DesiredInput) -> ExecutorSettings:
    """What the executor is told."""
    spec = given.spec.executor
    host = given.children.sentinel_host(given.key.namespace)
    return ExecutorSettings(
        namespace=given.key.namespace,
        gateway=given.key.name,
        trading_mode=given.spec.trading_mode,
        api_host=host,
        api_port=given.api_port,
        sentinel_url=f"http://{host}:{names.PORT_SENTINEL}",
        client_id=spec.client_id,
        accounts=tuple(spec.accounts),
        market_closed=spec.market_closed,
        max_order_value=spec.limits.max_order_value,
        max_orders_per_day=spec.limits.max_orders_per_day,
        allowed_symbols=tuple(spec.limits.allowed_symbols),
        price_collar_percent=spec.limits.price_collar_percent,
        short_selling=spec.limits.short_selling,
        resend=spec.resend,
        gateway_time_zone=given.spec.gateway.time_zone,
        archive_after_days=spec.archive_after_days,
        cash_reserve_percent=spec.cash_reserve_percent,
        targets=_targets(spec.targets),
        restart=given.spec.weekly_restart.as_restart_time(),
        calendar=given.calendar,
        holds=_hold_reports(given),
    )


def _targets(spec: TargetsSpec | None) -> TargetSettings | None:
    if spec is None:
        return None
    return TargetSettings(url=spec.url, account=spec.account or "", schedule=spec.schedule)


def _hold_reports(given: DesiredInput) -> tuple[HoldReport, ...]:
    suspended = (GateReason.SUSPENDED,) if given.spec.suspend else ()
    return tuple(HoldReport(reason=reason) for reason in (*suspended, *given.holds))
