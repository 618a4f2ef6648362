"""The frame of every command: where kubectl looks, a PluginError as a sentence and an exit code."""

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeVar, cast

import httpx
import typer
from typer.core import TyperCommand

from ibgateway_cli.errors import PluginError
from ibgateway_cli.kube.cluster import Cluster, Json
from ibgateway_cli.kube.gateway import RESOURCE, chosen, key_of, lasting
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.terminal import Terminal

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Plugin:
    """What a command works with: `plugin_of(context)`."""

    cluster: Cluster
    terminal: Terminal
    transport: httpx.BaseTransport | None = None
    """Another way than the network to what is forwarded: for tests."""
    place: str = ""
    """The options of a call that say which cluster, for the commands that it names."""

    def gateway(self, name: str | None) -> Json:
        """The IBGateway that is meant."""
        return chosen(self.cluster, name)

    def lasting(self, name: str | None) -> Json:
        """The IBGateway that is meant, to ask something of it. Raises PluginError where it is being deleted."""
        return lasting(self.gateway(name))


def plugin_of(context: typer.Context) -> Plugin:
    """The plugin of a command that runs."""
    return cast("Plugin", context.obj)


def gateway_names(context: typer.Context, incomplete: str) -> list[str]:
    """Completion: the IBGateways of the namespace; nothing where kubectl does not answer."""
    try:
        found = _here(context).cluster.list(RESOURCE)
    except PluginError:
        return []
    return [name for name in (key_of(g).name for g in found) if name.startswith(incomplete)]


GatewayName = Annotated[
    str | None,
    typer.Argument(
        metavar="[GATEWAY]",
        help="The IBGateway; the only one of the namespace may be left out.",
        autocompletion=gateway_names,
        show_default=False,
    ),
]
"""The first argument of most commands."""
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="The form of the answer.", case_sensitive=False)
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask: for scripts.", show_default=False)
]


class PluginCommand(TyperCommand):
    """A command with kubectl's own options; its PluginError becomes two lines and an exit code."""

    def __init__(self, *arguments: Any, params: list[Any] | None = None, **rest: Any) -> None:
        super().__init__(*arguments, params=[*(params or []), *_where_options()], **rest)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does, with `-o=json` and `-n=trading` as kubectl takes them."""
        return super().parse_args(ctx, list(_as_kubectl(args)))

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        ctx.obj = plugin = _here(ctx)
        for name in _PLACES:
            ctx.params.pop(name, None)
        try:
            cluster = plugin.cluster.pinned(inside=_IN_POD in os.environ)
            ctx.obj = replace(plugin, cluster=cluster)
            return super().invoke(ctx)
        except PluginError as error:
            _tell(ctx.obj.terminal, error)
            raise typer.Exit(error.exit_code) from error


class PluginApp(typer.Typer):
    """A Typer whose commands are PluginCommands."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(
            no_args_is_help=True,
            rich_markup_mode="rich",
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"]},
            **rest,
        )

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **rest: Any
    ) -> Callable[[Function], Function]:
        """As Typer's."""
        return super().command(name, cls=cls or PluginCommand, **rest)


_PLACES = ("namespace", "context", "kubeconfig")
_SHORT: Final = re.compile("-[A-Za-z]=.*", re.DOTALL)
_IN_POD: Final = "KUBERNETES_SERVICE_HOST"


def _as_kubectl(args: Iterable[str]) -> Iterator[str]:
    """What stands behind a short option and an equals sign is its value, and no `=json`."""
    options = True
    for word in args:
        options = options and word != "--"
        if options and _SHORT.fullmatch(word):
            yield from (word[:2], word[3:])
        else:
            yield word


def _where(
    *,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", help="As kubectl's.", rich_help_panel="Where"),
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", help="As kubectl's.", rich_help_panel="Where")
    ] = None,
    kubeconfig: Annotated[
        str | None, typer.Option("--kubeconfig", help="As kubectl's.", rich_help_panel="Where")
    ] = None,
) -> None:
    """Only its options are used."""


def _where_options() -> list[Any]:
    """The options of `_where`, made by Typer itself."""
    carrier = typer.Typer(add_completion=False)
    carrier.command()(_where)
    return list(typer.main.get_command(carrier).params)


def _here(context: Any) -> Plugin:
    """The plugin at the place that the options name."""
    plugin: Plugin = context.obj
    given = {name: context.params.get(name) for name in _PLACES}
    places = {name: value for name, value in given.items() if value}
    named = (f"--{name}={places[name]}" for name in ("context", "kubeconfig") if name in places)
    return replace(plugin, cluster=replace(plugin.cluster, **places), place=shlex.join(named))


def _tell(terminal: Terminal, error: PluginError) -> None:
    terminal.error.print(f"error: {error.sentence}", highlight=False, markup=False, soft_wrap=True)
    if error.next_step:
        terminal.error.print(
            f"next: {error.next_step}", highlight=False, markup=False, soft_wrap=True
        )
