"""`kubectl ibgateway vnc`: the Gateway's window in the browser."""

import webbrowser
from typing import Annotated

import typer

from ibgateway_api import names
from ibgateway_api.spec import ConsoleAuth
from ibgateway_cli.app import GatewayName, OutputOption, PluginApp, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.status.overview import GatewayFacts, facts_of
from ibgateway_cli.terminal.output import Output

app = PluginApp()


@app.command()
def vnc(
    context: typer.Context,
    name: GatewayName = None,
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port here; 0: any that is free.")
    ] = names.PORT_NOVNC,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the Gateway's window at an address of this machine, until Ctrl-C."""
    plugin = plugin_of(context)
    facts = facts_of(plugin.gateway(name))
    if not facts.spec.novnc.enabled:
        raise PluginError(
            f"{facts.name} has no console", "spec.novnc.enabled is false", ExitCode.REFUSED
        )
    service = f"svc/{names.child_names(facts.name).novnc}"
    with plugin.cluster.forwarded(service, names.PORT_NOVNC, local=port) as (url, lines):
        address = url.replace("127.0.0.1", "localhost")
        document = {"namespace": facts.namespace, "name": facts.name, "address": address}
        plugin.terminal.show(document, output, address)
        plugin.terminal.tell(
            f"{facts.namespace}/{facts.name} is {facts.spec.trading_mode.upper()}. {_password(facts)}"
            " Ctrl-C ends it."
        )
        if browser:
            webbrowser.open(address)
        for _ in lines:
            pass
    raise PluginError(
        "the way to the window has ended: its pod may be another one now",
        f"kubectl ibgateway vnc {facts.name} again",
        ExitCode.UNREACHABLE,
    )


def _password(facts: GatewayFacts) -> str:
    """Where the person finds what the page asks for; a value is never printed."""
    vnc = f"the key VNC_PASSWORD of the Secret {facts.spec.credentials_secret_ref.name}"
    if facts.spec.novnc.auth is ConsoleAuth.TOKEN:
        return f"It asks for the key token of the Secret {facts.name}-novnc-token, then for {vnc}."
    return f"It asks for {vnc}."
