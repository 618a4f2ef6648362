"""What a report holds, as files with their text; each is redacted before it is packed."""

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple

import yaml

from ibgateway_api.executor_spec import ExecutorSpec
from ibgateway_api.names import Key, child_names
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.cluster import Cluster, Json
from ibgateway_cli.kube.gateway import own
from ibgateway_cli.logs.lines import LogSource
from ibgateway_cli.logs.sources import gateway_sources, operator_sources, read
from ibgateway_cli.report.redaction import Redaction
from ibgateway_cli.status.overview import GatewayFacts
from ibgateway_cli.terminal.times import stamp

KINDS: Final = (
    "statefulsets",
    "deployments",
    "pods",
    "services",
    "persistentvolumeclaims",
    "networkpolicies",
    "poddisruptionbudgets",
    "configmaps",
)
"""The children. Secrets are not among them, nor anything of a program of others."""
NEWEST: Final = 40_000
"""Lines of each log. Not so many bytes: kubectl counts these from the oldest, and ends in the middle of a value."""
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class ReportFile(NamedTuple):
    """A file of the report."""

    name: str
    text: str


def secret_values(
    cluster: Cluster, facts: GatewayFacts, *, unchecked: bool
) -> tuple[dict[str, list[bytes]], bool]:
    """The values of every Secret that the gateway uses, by where they stand: `KEY of NAME`; and whether these are all.

    Raises PluginError for one that may not be read: what is not known can't be taken out. Not where it is `unchecked`.
    """
    found: dict[str, list[bytes]] = {}
    everything = True
    for name in sorted(_secret_names(facts)):
        try:
            keys = cluster.secret(name)
        except PluginError as error:
            if error.exit_code is ExitCode.NOT_FOUND:
                continue
            if not unchecked:
                raise
            keys, everything = {}, False
        for key, value in keys.items():
            found.setdefault(f"{key} of {name}", []).append(value)
    return found, everything


_SECRET_FIELDS: Final = (
    *(("secretKeyRef", "name"), ("secretRef", "name"), ("secret", "secretName")),
    *(("secret", "name"), ("nodePublishSecretRef", "name")),
)
"""Where a pod names a Secret."""


def _secret_names(facts: GatewayFacts) -> set[str]:
    spec, children = facts.spec, child_names(facts.name)
    refs = (
        spec.credentials_secret_ref,
        spec.notifications.secret_ref,
        spec.executor.database.postgres_secret_ref,
        spec.executor.targets.token_secret_ref if spec.executor.targets else None,
    )
    own = {
        children.agent_token,
        children.gate_token,
        children.executor_token,
        children.notifications,
    }
    own |= {f"{facts.name}-novnc-token", f"{facts.name}-vnc"}
    named = {ref.name for ref in refs if ref is not None}
    return own | named | set(_of_program(spec.executor))


def _of_program(executor: ExecutorSpec) -> Iterator[str]:
    """Secrets that a program of one's own is given: its log is in the report."""
    parts: list[Any] = [executor.env, executor.env_from, executor.volumes]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        if isinstance(part, dict):
            parts += part.values()
            for field, key in _SECRET_FIELDS:
                if isinstance(named := part.get(field), dict) and key in named:
                    yield str(named[key])


def cluster_files(cluster: Cluster, gateway: Json, key: Key) -> Iterator[ReportFile]:
    """The resource, its children and the logs of its programs; what can't be read says why."""
    yield ReportFile("ibgateway.yaml", _yaml(_stripped(gateway)))
    for kind in KINDS:
        yield ReportFile(f"objects/{kind}.yaml", _objects(cluster, kind, key))
    for source in (*gateway_sources(cluster, key), *operator_sources(cluster, key)):
        for name, options in (("", ()), (".previous", ("--previous",))):
            text = _log(cluster, source, options)
            if text is not None:
                yield ReportFile(f"logs/{source.pod}.{source.container}{name}.log", text)


def plugin_version() -> str:
    """The version of the installed plugin."""
    try:
        return version("ibgateway")
    except PackageNotFoundError:
        return "not installed"


def packed(files: Iterable[ReportFile], redact: Redaction, folder: str, at: datetime) -> bytes:
    """A tar.gz of the files, each redacted, names too, under one folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file in files:
            content = redact(file.text).encode()
            member = tarfile.TarInfo(redact(f"{folder}/{file.name}"))
            member.size, member.mode, member.mtime = len(content), 0o600, int(at.timestamp())
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def contents(facts: GatewayFacts, at: datetime, *, checked: bool) -> ReportFile:
    """What the report is, for whoever opens it."""
    values = (
        "Every value of the gateway's Secrets was looked for and taken out"
        if checked
        else "The gateway's Secrets could not all be read: values of those that could not were NOT looked for"
    )
    text = (
        f"A report of the IBGateway {facts.namespace}/{facts.name}, made {stamp(at)}"
        f" by kubectl ibgateway {plugin_version()}.\n\n{values}, and account ids are masked: the same id has\n"
        "the same mask everywhere. Names of objects, namespaces, nodes and images are as they are.\n"
        "Look through it before you give it away.\n"
    )
    return ReportFile("README.txt", text)


def _objects(cluster: Cluster, kind: str, key: Key) -> str:
    try:
        found = own(cluster, kind, key.name)
    except PluginError as error:
        return f"# {error.sentence}\n"
    return "---\n".join(_yaml(_stripped(each)) for each in found) or "# none\n"


def _log(cluster: Cluster, source: LogSource, options: Iterable[str]) -> str | None:
    """None where a container has no such log, as most have no previous one."""
    try:
        lines = read(cluster, source, f"--tail={NEWEST}", *options)
    except PluginError as error:
        return None if options else f"{error.sentence}\n"
    return "".join(f"{line.at} {line.text}\n" for line in lines)


def _stripped(each: Json) -> Json:
    """Without what only repeats it."""
    metadata = {k: v for k, v in each["metadata"].items() if k != "managedFields"}
    annotations = metadata.get("annotations") or {}
    kept = {k: v for k, v in annotations.items() if k != _APPLIED}
    return {**each, "metadata": {**metadata, "annotations": kept}}


def _yaml(document: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=10**9)
