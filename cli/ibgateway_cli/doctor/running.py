"""Checks of what runs: the image, policies, clocks, who answers, and whether people are told."""

from datetime import datetime, timedelta
from typing import Final

import httpx

from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.conditions import ConditionStatus, ConditionType
from ibgateway_api.gate import GateReason
from ibgateway_api.reasons import ConditionReason
from ibgateway_cli.doctor.check import CheckState, CheckSubject, Finding, fine
from ibgateway_cli.errors import PluginError
from ibgateway_cli.executor.report import executor_report
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.kube.gateway import own_program
from ibgateway_cli.kube.loopback import direct, token_of
from ibgateway_cli.logs.sources import operator_pods
from ibgateway_cli.terminal.times import from_text, span

SKEW: Final = timedelta(seconds=60)
"""A request that lies farther than this in the future is ignored."""
LEASE_RENEWED: Final = timedelta(seconds=15)
"""A Lease is good for so long."""

_CONTRACT: Final = """\
[ "$(id -u)" = 1000 ] || echo "it runs as user $(id -u) and not as 1000"
[ -x "$HOME/scripts/run.sh" ] || echo "there is no $HOME/scripts/run.sh"
[ -r "${IBC_INI_TMPL:-$HOME/ibc/config.ini.tmpl}" ] || echo "there is no template of config.ini"
[ -w "${TWS_SETTINGS_PATH:-$HOME/Jts}" ] || echo "the settings folder can't be written"
for tool in bash od tee mv rm sha256sum; do command -v $tool >/dev/null || echo "there is no $tool"; done
echo looked
"""
"""What our scripts in the gateway's container stand on, of the image gnzsnz/ib-gateway."""


def image_contract(of: CheckSubject) -> Finding:
    """The gateway's container has what our scripts stand on."""
    pod = names.child_names(of.facts.name).gateway_pod
    printed = of.plugin.cluster.text(
        "exec", pod, "--container=gateway", "--", "sh", "-c", _CONTRACT
    ).splitlines()
    image = of.facts.spec.gateway.image.reference
    if printed[-1:] != ["looked"]:
        return CheckState.UNKNOWN, f"{image} has not answered", "look at the gateway's pod"
    if faults := printed[:-1]:
        return (
            CheckState.WRONG,
            f"{image}: {'; '.join(faults)}",
            "use ghcr.io/gnzsnz/ib-gateway, or an image that is built like it",
        )
    return fine(f"{image} has the user, paths and tools")


def policies(of: CheckSubject) -> Finding:
    """The cluster enforces NetworkPolicies; live it has to."""
    found = of.condition(ConditionType.NETWORK_POLICY_ENFORCED)
    if found is None or found.status is ConditionStatus.UNKNOWN:
        return CheckState.UNKNOWN, "the console has not found out yet", "look again in a minute"
    if found.status is ConditionStatus.TRUE:
        return fine("the cluster enforces them: the console can't reach the API port")
    live = of.facts.spec.trading_mode is TradingMode.LIVE
    remedy = (
        "set spec.networkPolicy.enabled to true"
        if found.reason == ConditionReason.POLICY_DISABLED
        else "use a network plugin that enforces them"
    )
    return (
        CheckState.WRONG if live else CheckState.DOUBT,
        f"{found.reason}: {found.message}",
        remedy,
    )


def clock(of: CheckSubject) -> Finding:
    """IBKR's clock and the node's agree, and so do the operator's and this one, by the operator's Lease."""
    gate = of.condition(ConditionType.TRADING_ALLOWED)
    if gate is not None and gate.reason == GateReason.CLOCK_SKEW:
        return CheckState.WRONG, gate.message, "set the node's clock right (NTP)"
    renewed = _renewed(of)
    if renewed is None:
        return CheckState.UNKNOWN, "the operator's Lease can't be read from here", _LEASE_REMEDY
    ahead = renewed - of.plugin.terminal.now()
    if ahead > SKEW or -ahead > SKEW + LEASE_RENEWED:
        return (
            CheckState.WRONG,
            f"this clock and the cluster's are {span(abs(ahead))} apart, or no operator works",
            "set this machine's clock right: requests carry its time",
        )
    return fine("this one agrees with the cluster's, and the node's with IBKR's")


_LEASE_REMEDY: Final = "nothing, or ask for the right to read leases in the operator's namespace"


def _renewed(of: CheckSubject) -> datetime | None:
    """When the operator has renewed its Lease last; None where that can't be read."""
    for pod in operator_pods(of.plugin.cluster):
        there = of.plugin.cluster.at(pod["metadata"]["namespace"])
        for lease in there.list("leases.coordination.k8s.io"):
            renewed = lease["spec"].get("renewTime")
            if renewed and lease["metadata"]["name"] in _lease_names(pod):
                return from_text(renewed)
    return None


def _lease_names(pod: Json) -> set[str]:
    """The Lease is called as the operator's Deployment: its pods' names begin like it."""
    name = pod["metadata"]["name"]
    return {names.OPERATOR_AGENT, name.rsplit("-", 2)[0]}


def reachability(of: CheckSubject) -> Finding:
    """Sentinel, executor and console answer, by port-forward."""
    if of.facts.spec.suspend:
        return fine("the gateway is suspended: nobody is to answer")
    asked = [("sentinel", _ask_sentinel)]
    program = own_program(of.plugin.cluster, of.document)
    if of.facts.spec.executor.enabled and not program:
        asked.append(("executor", _ask_executor))
    if of.facts.spec.novnc.enabled:
        asked.append(("console", _ask_console))
    silent = []
    for name, ask in asked:
        try:
            ask(of)
        except PluginError as error:
            silent.append(f"{name}: {error.sentence}")
    if silent:
        return CheckState.WRONG, "; ".join(silent), f"kubectl ibgateway logs {of.facts.name}"
    beside = f"; {program}, and is not asked" if program else ""
    return fine(f"{', '.join(name for name, _ in asked)} answer{beside}")


def _ask_sentinel(of: CheckSubject) -> None:
    children = names.child_names(of.facts.name)
    token = token_of(children.agent_token, of.plugin.cluster.secret(children.agent_token))
    _ask(
        of,
        f"pod/{children.gateway_pod}",
        names.PORT_SENTINEL,
        "/v1/status",
        {"Authorization": f"Bearer {token}"},
    )


def _ask_executor(of: CheckSubject) -> None:
    executor_report(of.plugin, of.facts.name)


def _ask_console(of: CheckSubject) -> None:
    _ask(of, f"svc/{names.child_names(of.facts.name).novnc}", names.PORT_NOVNC, "/", {})


def _ask(of: CheckSubject, target: str, port: int, path: str, headers: dict[str, str]) -> None:
    with (
        of.plugin.cluster.forward(target, port) as url,
        httpx.Client(transport=direct(of.plugin.transport), timeout=10) as client,
    ):
        try:
            client.get(f"{url}{path}", headers=headers).raise_for_status()
        except httpx.HTTPStatusError as error:
            raise PluginError(f"it answers {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise PluginError(f"no answer ({type(error).__name__})") from error


def messages(of: CheckSubject) -> Finding:
    """People are told what they should be."""
    found = of.condition(ConditionType.NOTIFICATIONS_DELIVERED)
    if found is None or found.reason == ConditionReason.NOT_CONFIGURED:
        return (
            CheckState.DOUBT,
            "nobody is told of a push or a miss",
            "set spec.notifications.secretRef",
        )
    if found.status is ConditionStatus.FALSE:
        return CheckState.WRONG, found.message, "correct the Secret, or look after the receiver"
    return fine("every address took the last message")
