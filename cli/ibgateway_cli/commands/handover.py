"""`kubectl ibgateway handover`: the login for a person, for a while, and back."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from ibgateway_api import names
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.requests import LONGEST_HANDOVER
from ibgateway_cli.app import GatewayName, OutputOption, Plugin, PluginApp, YesOption, plugin_of
from ibgateway_cli.commands.following import asking, confirmed, follow, wait_for
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.gateway import RESOURCE
from ibgateway_cli.status.attempt import RequestedAttempt, why_not
from ibgateway_cli.status.overview import GatewayFacts, facts_of
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.times import away, moment, stamp

app = PluginApp()

LEAVING: Final = timedelta(minutes=6)
"""Two minutes of patience with orders, 75 seconds until PAUSE acts, and some."""
_DURATION: Final = re.compile(r"(?:(\d{1,2})d)?(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s)?")


@app.command()
def handover(
    context: typer.Context,
    name: GatewayName = None,
    *,
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="How long, such as 30m, 2h or 1d."),
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="Have the login back now.", show_default=False)
    ] = False,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Have the login for yourself for a while: orders drain, the gateway logs out, and comes back at its time."""
    plugin = plugin_of(context)
    if end is (lasts is not None):
        raise PluginError(
            "say either --for DURATION or --end",
            "kubectl ibgateway handover --for 30m",
            ExitCode.USAGE,
        )
    facts = facts_of(plugin.lasting(name))
    if lasts is not None:
        _begin(plugin, facts, _duration(lasts), output, yes=yes)
    else:
        _end(plugin, facts, output, yes=yes)


def _begin(
    plugin: Plugin, facts: GatewayFacts, lasts: timedelta, output: Output, *, yes: bool
) -> None:
    now = plugin.terminal.now()
    until = (now + lasts).replace(microsecond=0)
    if facts.spec.suspend:
        raise why_not(facts) or PluginError("it is suspended")
    says = f"Orders drain and wait, the gateway logs out, and the login is yours until {moment(until)}."
    facts = confirmed(
        plugin,
        facts,
        lambda seen: f"{says} {_cost(seen, until)}. Log out before that time.",
        yes=yes,
    )
    text = stamp(until)
    _annotate(plugin, facts, text)
    seen = wait_for(
        plugin,
        facts.name,
        now + LEAVING,
        done=lambda seen: _is_given(seen, text, until) or seen.status.handover.ignored == text,
        says=_how_far,
    )
    if seen.status.handover.ignored == text:
        raise PluginError(
            f"the operator does not take {text}",
            f"kubectl ibgateway events {facts.name} says why",
            ExitCode.REFUSED,
        )
    costs = _said_cost(seen)
    sentence = (
        f"The login of {facts.namespace}/{facts.name} is yours until {moment(until)},"
        f" {away(until, plugin.terminal.now())}; {costs}"
    )
    document = {
        "namespace": facts.namespace,
        "name": facts.name,
        "until": text,
        "costsPush": seen.status.handover.costs_push,
    }
    plugin.terminal.show(document, output, sentence)


def _end(plugin: Plugin, facts: GatewayFacts, output: Output, *, yes: bool) -> None:
    if not facts.handed_over:
        raise PluginError("nobody has the login for themselves", exit_code=ExitCode.REFUSED)
    mine = facts.status.handover.until
    if facts.at_console or (mine is not None and mine <= plugin.terminal.now()):
        raise PluginError(
            "the login was taken at the console, and is given back there",
            f"kubectl ibgateway vnc {facts.name}",
            ExitCode.REFUSED,
        )
    facts = confirmed(plugin, facts, _end_costs, yes=yes)
    at = plugin.terminal.now()
    _annotate(plugin, facts, None)
    follow(plugin, RequestedAttempt("", at, facts), output)


def _annotate(plugin: Plugin, facts: GatewayFacts, value: str | None) -> None:
    annotations = {names.ANNOTATION_HANDOVER_UNTIL: value}
    with asking(facts.name):
        plugin.cluster.patch(RESOURCE, facts.name, {"metadata": {"annotations": annotations}})


def _is_given(facts: GatewayFacts, text: str, until: datetime) -> bool:
    """Whether the gateway has logged out and waits until then, and not for an earlier handover."""
    waits = facts.status.login.state is LoginState.WAITING_FOR_PERMIT
    if not waits or not facts.handed_over or facts.status.handover.request != text:
        return False
    why, ends = facts.refusal or (PermitRefusal.HANDED_OVER, None)
    return why is PermitRefusal.HANDED_OVER and ends in (None, until)


def _how_far(facts: GatewayFacts) -> str:
    if facts.handed_over and facts.status.login.state is LoginState.WAITING_FOR_PERMIT:
        return "The login is free already: its time moves"
    return f"{facts.status.login.state}: orders drain, then the gateway logs out"


def _cost(facts: GatewayFacts, until: datetime) -> str:
    """Before it is asked for: by the rule of docs/conditions.md, as far as the status tells."""
    if facts.handed_over:
        return _later_cost(facts, until)
    if facts.token_lives(until):
        return "It comes back by the week's token: NO PUSH follows"
    return "Its return COSTS A PUSH, because the week's token does not live until then"


def _later_cost(facts: GatewayFacts, until: datetime) -> str:
    """Of a login that is handed over already: what its return costs now, and whether the week's token lives until then."""
    if facts.at_console:
        return "Its return MAY COST A PUSH: it was taken at the console, which says more"
    if facts.status.handover.costs_push or not facts.week_lasts(until):
        return "Its return COSTS A PUSH"
    return "It comes back by the week's token: NO PUSH follows"


def _end_costs(facts: GatewayFacts) -> str:
    push = facts.status.handover.costs_push
    cost = "A PUSH follows: have the phone in hand" if push else "NO PUSH follows"
    return f"The gateway logs in again now: log out first. {cost}."


def _said_cost(facts: GatewayFacts) -> str:
    push = facts.status.handover.costs_push
    return "its return costs a push" if push else "it comes back without a push"


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise PluginError(
            f"{text} is no duration", "write it as 90s, 30m, 2h or 1d", ExitCode.USAGE
        )
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta() < length <= LONGEST_HANDOVER:
        raise PluginError(
            f"{text} is not between a second and {LONGEST_HANDOVER.days} days",
            "for longer there is kubectl ibgateway suspend",
            ExitCode.USAGE,
        )
    return length
