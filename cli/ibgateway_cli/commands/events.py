"""`kubectl ibgateway events`: what Kubernetes keeps of a gateway's Events, and its pods', by time."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import typer
from rich.table import Table
from rich.text import Text

from ibgateway_api.names import child_names
from ibgateway_cli.app import GatewayName, OutputOption, PluginApp, plugin_of
from ibgateway_cli.kube.cluster import Cluster, Json
from ibgateway_cli.kube.gateway import key_of, own
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.times import from_text, moment

app = PluginApp()

_OWN: Final = "IBGateway"


@app.command()
def events(
    context: typer.Context, name: GatewayName = None, *, output: OutputOption = Output.TABLE
) -> None:
    """Show the Events of a gateway and of its pods and volumes, oldest first; Kubernetes keeps them for an hour."""
    plugin = plugin_of(context)
    gateway = key_of(plugin.gateway(name)).name
    found = list(events_of(plugin.cluster, gateway))
    plugin.terminal.show({"events": found}, output, _table(found))


def events_of(cluster: Cluster, gateway: str) -> Iterator[Json]:
    """Its Events, oldest first, as short documents."""
    mine = objects_of(cluster, gateway)
    for event in sorted(cluster.list("events"), key=_time):
        about = event.get("involvedObject") or {}
        if (about.get("kind"), about.get("name")) in mine:
            yield {
                "time": _time(event),
                "type": event.get("type", ""),
                "reason": event.get("reason", ""),
                "object": f"{about.get('kind')}/{about.get('name')}",
                "message": event.get("message", ""),
                "count": _count(event),
            }


def objects_of(cluster: Cluster, gateway: str) -> set[tuple[str, str]]:
    """Kind and name of what belongs to a gateway: itself, its children by name, and its pods."""
    children = child_names(gateway)
    pods = {pod["metadata"]["name"] for pod in own(cluster, "pods", gateway)}
    return {
        (_OWN, gateway),
        ("StatefulSet", children.gateway),
        *((kind, children.executor) for kind in ("Deployment", "PersistentVolumeClaim")),
        ("Deployment", children.novnc),
        ("PersistentVolumeClaim", children.gateway_claim),
        *(("Pod", pod) for pod in {*pods, children.gateway_pod}),
    }


def _time(event: Json) -> str:
    series: Json = event.get("series") or {}
    places: Iterable[Any] = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        (event.get("metadata") or {}).get("creationTimestamp"),
    )
    return str(next((at for at in places if at), ""))


def _count(event: Json) -> int:
    series: Json = event.get("series") or {}
    return int(series.get("count") or event.get("count") or 1)


def _table(found: list[Json]) -> Table | Text:
    if not found:
        return Text("no Events in the last hour")
    table = Table(box=None, pad_edge=False)
    table.add_column("TIME", no_wrap=True)
    table.add_column("REASON", no_wrap=True)
    table.add_column("MESSAGE", overflow="fold")
    for event in found:
        at = from_text(event["time"])
        style = "yellow" if event["type"] == "Warning" else ""
        table.add_row(moment(at) if at else "", Text(event["reason"], style), _message(event))
    return table


def _message(event: Json) -> Text:
    """With whose it is, where it is not the gateway's own."""
    own = event["object"].startswith(f"{_OWN}/")
    words = Text() if own else Text(f"{event['object']}: ", "dim")
    words.append(event["message"])
    return words.append(f" ({event['count']} times)", "dim") if event["count"] > 1 else words
