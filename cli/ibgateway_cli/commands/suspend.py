"""`kubectl ibgateway suspend` and `resume`: the switch of the spec, and what it costs."""

from datetime import timedelta
from typing import Final

import typer

from ibgateway_api.login import LoginState
from ibgateway_cli.app import GatewayName, OutputOption, Plugin, PluginApp, YesOption, plugin_of
from ibgateway_cli.commands.following import asking, confirmed, judge, wait_for
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.kube.gateway import RESOURCE
from ibgateway_cli.status.attempt import RequestedAttempt, waits_for_a_word, words
from ibgateway_cli.status.overview import GatewayFacts, facts_of
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.times import moment

app = PluginApp()

LEAVING: Final = timedelta(minutes=6)
"""Two minutes of patience with orders, three for the pod, and some."""
COMING: Final = timedelta(minutes=15)
_HELM: Final = "app.kubernetes.io/managed-by"


@app.command()
def suspend(
    context: typer.Context,
    name: GatewayName = None,
    *,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop IB Gateway cleanly and keep its volumes: orders drain, then it logs out."""
    plugin = plugin_of(context)
    gateway = plugin.lasting(name)
    facts = facts_of(gateway)
    if facts.spec.suspend:
        raise PluginError("it is suspended already", exit_code=ExitCode.REFUSED)
    says = "Orders drain and wait, then the gateway logs out and stays away."
    facts = confirmed(plugin, facts, lambda seen: f"{says} {_return(seen)}.", yes=yes)
    _switch(plugin, gateway, suspend=True)
    until = plugin.terminal.now() + LEAVING
    ended = wait_for(
        plugin,
        facts.name,
        until,
        done=lambda seen: seen.status.login.state is LoginState.STOPPED,
        says=lambda seen: f"{seen.status.login.state}: orders drain, then it logs out",
    )
    _show(plugin, ended, output, "is suspended")


@app.command()
def resume(
    context: typer.Context,
    name: GatewayName = None,
    *,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Start a suspended gateway again, after saying whether a push follows."""
    plugin = plugin_of(context)
    gateway = plugin.lasting(name)
    facts = facts_of(gateway)
    if not facts.spec.suspend:
        raise PluginError(
            "it is not suspended",
            f"kubectl ibgateway pause {facts.name} --end ends a pause of trading",
            ExitCode.REFUSED,
        )
    facts = confirmed(plugin, facts, lambda seen: f"{_return(seen)}.", yes=yes)
    at = plugin.terminal.now()
    _switch(plugin, gateway, suspend=False)
    asked = RequestedAttempt("", at, facts)
    ended = wait_for(
        plugin,
        facts.name,
        at + COMING,
        done=lambda seen: asked.result(seen) is not None or waits_for_a_word(seen),
        says=lambda seen: words(
            seen, asked, plugin.terminal.now(), counting=plugin.terminal.person
        ),
    )
    _show(plugin, ended, output, f"is resumed: {_state(ended)}")
    if (result := asked.result(ended)) is not None:
        judge(plugin, asked, result, ended)


def _return(facts: GatewayFacts) -> str:
    """What coming back costs, as far as the status tells."""
    window = facts.status.window
    if window.open:
        return "Coming back COSTS A PUSH: the week has no full login"
    ends = f" before {moment(window.opens)}" if window.opens else ""
    return (
        f"Coming back{ends} is by the week's token and costs NO PUSH; where the token is lost, or used up"
        " by then, it costs one, by the budget of spec.login"
    )


def _switch(plugin: Plugin, gateway: Json, *, suspend: bool) -> None:
    metadata = gateway["metadata"]
    with asking(metadata["name"]):
        plugin.cluster.patch(RESOURCE, metadata["name"], {"spec": {"suspend": suspend}})
    if (metadata.get("labels") or {}).get(_HELM) == "Helm":
        plugin.terminal.tell(
            f"Helm has made this gateway: put spec.suspend={str(suspend).lower()} into the values of its"
            " release too, or its next upgrade changes it back or stops with a conflict (docs/install.md#upgrade)."
        )


def _state(facts: GatewayFacts) -> str:
    if facts.refusal is None:
        return f"{facts.status.login.state}"
    reason, until = facts.refusal
    ends = f", next attempt at {moment(until)}" if until else ""
    return f"{facts.status.login.state} ({reason}{ends})"


def _show(plugin: Plugin, facts: GatewayFacts, output: Output, sentence: str) -> None:
    document = {
        "namespace": facts.namespace,
        "name": facts.name,
        "suspend": facts.spec.suspend,
        "state": str(facts.status.login.state),
    }
    plugin.terminal.show(document, output, f"{facts.namespace}/{facts.name} {sentence}")
