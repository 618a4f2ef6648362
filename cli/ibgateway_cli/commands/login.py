"""`kubectl ibgateway login` and `restart`: what may push says so before, and waits for what comes of it."""

from datetime import timedelta

import typer

from ibgateway_api import names
from ibgateway_cli.app import GatewayName, OutputOption, Plugin, PluginApp, YesOption, plugin_of
from ibgateway_cli.commands.following import asking, confirmed, follow, follow_what_goes_on
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.gateway import RESOURCE
from ibgateway_cli.status.attempt import UNDER_WAY, RequestedAttempt, change_waits, costs, why_not
from ibgateway_cli.status.overview import GatewayFacts, facts_of
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.times import stamp

app = PluginApp()

LEAVING = timedelta(minutes=5)
"""A gateway that goes by PAUSE is back well within this."""


@app.command()
def login(
    context: typer.Context,
    name: GatewayName = None,
    *,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Ask for one login attempt, with ONE PUSH, show its countdown, and end with its outcome.

    Refused where it would come to nothing: what is logged in for the week needs none. A login that is under
    way already is followed, and no second one is asked for.
    """
    plugin = plugin_of(context)
    ask(plugin, facts_of(plugin.lasting(name)), output, yes=yes)


@app.command()
def restart(
    context: typer.Context,
    name: GatewayName = None,
    *,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Restart IB Gateway, after saying whether a push follows.

    While the week's token lives its pod is replaced: orders wait, and it comes back without a push. Else the
    login is asked for anew, as `login` does. A change that waits for a stop is applied by `login`.
    """
    plugin = plugin_of(context)
    facts = facts_of(plugin.lasting(name))
    if not facts.token_lives(plugin.terminal.now() + LEAVING):
        ask(plugin, facts, output, yes=yes)
        return
    if facts.spec.suspend or facts.handed_over:
        raise why_not(facts) or PluginError("it can't be restarted now")
    facts = confirmed(plugin, facts, lambda seen: _restart_costs(plugin, seen), yes=yes)
    asked = RequestedAttempt("", plugin.terminal.now(), facts)
    with asking(facts.name):
        plugin.cluster.delete("pod", names.child_names(facts.name).gateway_pod)
    follow(plugin, asked, output)


def _restart_costs(plugin: Plugin, facts: GatewayFacts) -> str:
    if not facts.token_lives(plugin.terminal.now() + LEAVING):
        return costs(facts)
    more = " What waits for a stop is applied too." if change_waits(facts) else ""
    return (
        "Orders wait while IB Gateway goes, which takes 10 to 75 seconds, and comes back by the week's token:"
        f" NO PUSH follows.{more}"
    )


def ask(plugin: Plugin, facts: GatewayFacts, output: Output, *, yes: bool) -> None:
    """One attempt by the annotation, where none is under way and it would come to something. Raises PluginError."""
    if facts.status.login.state in UNDER_WAY and not facts.spec.suspend:
        plugin.terminal.tell("A login is under way already: no second one is asked for.")
        waits = follow_what_goes_on(plugin, facts, output)
        if waits is None:
            return
        plugin.terminal.tell("It was none, or has come to nothing: one is asked for.")
        facts = waits
    if (refused := why_not(facts)) is not None:
        raise refused
    facts = confirmed(plugin, facts, _login_costs, yes=yes)
    at = plugin.terminal.now()
    request = stamp(at)
    if request == facts.annotations.get(names.ANNOTATION_LOGIN_REQUESTED_AT):
        raise PluginError("this second has a request already", "ask again", ExitCode.REFUSED)
    annotations = {names.ANNOTATION_LOGIN_REQUESTED_AT: request}
    with asking(facts.name):
        plugin.cluster.patch(RESOURCE, facts.name, {"metadata": {"annotations": annotations}})
    follow(plugin, RequestedAttempt(request, at, facts), output)


def _login_costs(facts: GatewayFacts) -> str:
    """Nothing of it holds once a login is under way, or would come to nothing."""
    refused = why_not(facts)
    if facts.status.login.state in UNDER_WAY or refused is not None:
        return "A login is under way, or comes to nothing now."
    return costs(facts)
