"""The cluster as kubectl shows it: every read and write of the plugin goes through here."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any, Final, Self

from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.kubectl import SECONDS, Answer, Kubectl, KubectlProcess, failure

RUNNING_TIMEOUT: Final = "5s"
"""How long kubectl waits for a pod that does not run; by itself it takes a minute."""
DEFAULT_NAMESPACE: Final = "default"
"""Kubernetes', where a context names none."""
_NO_CONTEXT: Final = "current-context must exist"
Json = dict[str, Any]
Objects = list[Json]
Words = list[str]


@dataclass(frozen=True)
class Cluster:
    """Where kubectl looks; what is None is kubectl's own choice. Every method raises a PluginError."""

    context: str | None = None
    kubeconfig: str | None = None
    namespace: str | None = None
    run: Kubectl = field(default_factory=KubectlProcess)

    def pinned(self, *, inside: bool) -> Self:
        """The same place for every call, whatever another terminal makes kubectl's current context meanwhile.

        `inside`: in a pod, where a context that names no namespace has the pod's own, and where there may be no context at all.
        """
        if self.context and self.namespace:
            return self
        answer = self.answer("config", "view", "--minify", "--output=json")
        if answer.code and _NO_CONTEXT in answer.error:
            return self
        if answer.code:
            raise failure(answer)
        [found] = self._parsed(answer.out)["contexts"]
        default = None if inside else DEFAULT_NAMESPACE
        namespace = self.namespace or found["context"].get("namespace") or default
        return replace(self, context=found["name"], namespace=namespace)

    def get(self, kind: str, name: str) -> Json:
        """One object."""
        return self._json("get", kind, name, "--output=json")

    def list(self, kind: str, selector: str = "") -> Objects:
        """The objects of a kind in the namespace, those with the labels of `selector`."""
        chosen = [f"--selector={selector}"] if selector else []
        found: Objects = self._json("get", kind, *chosen, "--output=json")["items"]
        return found

    def versions(self) -> Json:
        """kubectl's own version and the server's."""
        return self._json("version", "--output=json")

    def list_everywhere(self, kind: str, selector: str) -> Objects:
        """The objects of a kind in all namespaces."""
        words = ("get", kind, "--all-namespaces", f"--selector={selector}", "--output=json")
        found: Objects = self._json(*words)["items"]
        return found

    def at(self, namespace: str) -> Self:
        """The same cluster, in another namespace."""
        return replace(self, namespace=namespace)

    def patch(self, kind: str, name: str, document: Mapping[str, Any]) -> Json:
        """A merge patch; the object after it."""
        patch = f"--patch={json.dumps(document)}"
        return self._json("patch", kind, name, "--type=merge", patch, "--output=json")

    def delete(self, kind: str, name: str) -> None:
        """Ask for an object's end, and do not wait for it."""
        self.text("delete", kind, name, "--wait=false")

    def secret(self, name: str) -> dict[str, bytes]:
        """The keys of a Secret with their values."""
        data: Mapping[str, str] = self.get("secret", name).get("data") or {}
        try:
            return {key: base64.b64decode(value) for key, value in data.items()}
        except binascii.Error as error:
            raise PluginError(f"the Secret {name} can't be read", "write it anew") from error

    def text(self, *arguments: str) -> str:
        """What kubectl prints."""
        answer = self.answer(*arguments)
        if answer.code:
            raise failure(answer)
        return answer.out

    def answer(self, *arguments: str) -> Answer:
        """What kubectl prints and how it ends, failed or not."""
        return self.run([*self._where(), *arguments])

    @contextmanager
    def lines(self, *arguments: str, patience: float | None = None) -> Iterator[Iterator[str]]:
        """The lines of a kubectl that goes on; it ends with the context, or without a line in so many seconds."""
        with self.run.started([*self._where(), *arguments], patience=patience) as lines:
            yield lines

    @contextmanager
    def forward(self, target: str, port: int) -> Iterator[str]:
        """A URL on loopback that leads to `port` of `target`, such as svc/paper-novnc."""
        with self.forwarded(target, port) as (url, lines):
            Thread(target=_drain, args=(lines,), daemon=True).start()
            yield url

    @contextmanager
    def forwarded(
        self, target: str, port: int, *, local: int | None = None
    ) -> Iterator[tuple[str, Iterator[str]]]:
        """As `forward`, with what kubectl says on: a line a connection, until the pod goes. They have to be read."""
        words = ("--address=127.0.0.1", f"--pod-running-timeout={RUNNING_TIMEOUT}")
        ports = f"{local or ''}:{port}"
        with self.lines("port-forward", *words, target, ports, patience=SECONDS) as lines:
            yield f"http://{_address(lines, target)}", lines

    def _json(self, *arguments: str) -> Json:
        return self._parsed(self.text(*arguments))

    def _parsed(self, text: str) -> Json:
        try:
            document: Json = json.loads(text)
        except json.JSONDecodeError as error:
            raise PluginError(
                "kubectl has answered something that is no JSON",
                "see whether kubectl version --client answers with 1.31 or newer",
            ) from error
        return document

    def _where(self) -> Words:
        places = (
            ("--context", self.context),
            ("--kubeconfig", self.kubeconfig),
            ("--namespace", self.namespace),
        )
        return [f"{option}={value}" for option, value in places if value]


def _drain(lines: Iterator[str]) -> None:
    """kubectl writes a line for each connection; unread, the pipe fills up and it forwards no more."""
    with suppress(ValueError):  # the pipe was closed with the forward
        for _ in lines:
            pass


def _address(lines: Iterator[str], target: str) -> str:
    """The address that kubectl says it listens on."""
    said = []
    for line in lines:
        if found := re.match(r"Forwarding from (127\.0\.0\.1:\d+)", line):
            return found[1]
        said.append(line.strip())
    words = " ".join(said).removeprefix("error: ") or "kubectl ended without a word"
    raise PluginError(
        f"no way to {target}: {words}",
        "kubectl ibgateway doctor looks at what is in the way",
        ExitCode.UNREACHABLE,
    )
