"""A kubectl whose cluster is a dictionary: get, patch, delete, logs, port-forward, and complaints."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ibgateway_cli.kube.kubectl import Answer

Json = dict[str, Any]
_CURRENT = ["config", "view", "--minify", "--output=json"]
_OPTIONS = ("--namespace", "--context", "--kubeconfig")


@dataclass
class FakeKubectl:
    """`objects` by (kind, name), `logs` by (pod, container); `refused` are complaints by (verb, kind)."""

    objects: dict[tuple[str, str], Json] = field(default_factory=dict)
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    """What it prints for other verbs, by the whole of their arguments."""
    executed: str | None = None
    """What exec prints."""
    unreachable: dict[str, str] = field(default_factory=dict)
    """What port-forward says instead of listening, by target."""
    calls: list[list[str]] = field(default_factory=list)
    """What it was asked, without the question of the current context, and without where it is to look."""
    places: list[list[str]] = field(default_factory=list)
    """Where it was to look, of each of `calls`."""
    current: tuple[str, str] | None = ("kind", "trading")
    """The current context and its namespace; None: there is no context."""
    patience: list[float | None] = field(default_factory=list)
    """How long each process that goes on may say nothing."""
    interrupted: bool = False
    """Whether the person presses Ctrl-C while a process goes on."""
    ended: int = 0
    """How many of the processes that go on were ended."""

    def add(self, *objects: Json) -> None:
        """Put objects into the cluster."""
        for each in objects:
            self.objects[_kind(each["kind"]), each["metadata"]["name"]] = each

    def __call__(self, arguments: Sequence[str], stdin: str = "") -> Answer:
        if list(arguments[-4:]) == _CURRENT:
            return self._current(dict(_option(word) for word in arguments[:-4]))
        verb, *words = self._called(arguments)
        names = [word for word in words if not word.startswith("-")]
        options = dict(_option(word) for word in words if word.startswith("-"))
        kind = _kind(names[0]) if names else ""
        if complaint := self.refused.get((verb, kind)):
            return Answer(1, error=f"{complaint}\n")
        if verb in ("get", "patch", "delete") and "--raw" not in options:
            return self._objects(verb, kind, names[1:], options)
        if verb == "logs":
            return Answer(0, _part(self.logs.get((names[0], options["--container"]), ""), options))
        if verb == "exec" and self.executed is not None:
            return Answer(0, self.executed)
        found = self.said.get(" ".join([verb, *words]))
        return Answer(0, found) if found is not None else Answer(1, error=f"no answer to {verb}\n")

    @contextmanager
    def started(
        self, arguments: Sequence[str], *, patience: float | None = None
    ) -> Iterator[Iterator[str]]:
        """port-forward listens at once; logs that are followed end."""
        verb, *words = self._called(arguments)
        self.patience.append(patience)
        names = [word for word in words if not word.startswith("-")]
        if verb == "port-forward":
            complaint = self.unreachable.get(names[0])
            line = complaint or f"Forwarding from 127.0.0.1:4100 -> {names[1].split(':')[1]}"
            lines = [line]
        else:
            options = dict(_option(word) for word in words if word.startswith("-"))
            lines = self.logs.get((names[0], options["--container"]), "").splitlines()
        try:
            yield self._said(lines)
        finally:
            self.ended += 1

    def _called(self, arguments: Sequence[str]) -> list[str]:
        """What it is asked, without where."""
        words = [word for word in arguments if not word.startswith(_OPTIONS)]
        self.calls.append(words)
        self.places.append([word for word in arguments if word.startswith(_OPTIONS)])
        return words

    def _current(self, options: Mapping[str, str]) -> Answer:
        """As config view --minify answers."""
        name, namespace = self.current or ("", "")
        name = options.get("--context", name)
        if not name:
            complaint = "error: current-context must exist in order to minify\n"
            return Answer(1, error=complaint)
        context = {"cluster": name, "user": name} | ({"namespace": namespace} if namespace else {})
        return Answer(0, json.dumps({"contexts": [{"name": name, "context": context}]}))

    def _said(self, lines: Sequence[str]) -> Iterator[str]:
        yield from (f"{line}\n" for line in lines)
        if self.interrupted:
            raise KeyboardInterrupt

    def _objects(
        self, verb: str, kind: str, names: Sequence[str], options: Mapping[str, str]
    ) -> Answer:
        if not names:
            wanted = _labels(options.get("--selector", ""))
            items = [o for (k, _), o in self.objects.items() if k == kind and _fits(o, wanted)]
            return Answer(0, json.dumps({"items": items}))
        found = self.objects.get((kind, names[0]))
        if found is None:
            words = f'{kind} "{names[0]}" not found'
            return Answer(1, error=f"Error from server (NotFound): {words}\n")
        if verb == "delete":
            del self.objects[kind, names[0]]
            return Answer(0, f"{kind} deleted\n")
        if verb == "patch":
            found = _merged(found, json.loads(options["--patch"]))
            self.objects[kind, names[0]] = found
        return Answer(0, json.dumps(found))


def _kind(word: str) -> str:
    """One name for a kind, however it is asked for: ibgateways.ibgateway.dev is ibgateway."""
    singular = word.split("/", maxsplit=1)[0].split(".", maxsplit=1)[0].lower()
    return {"policies": "policy", "networkpolicies": "networkpolicy"}.get(
        singular, singular.removesuffix("s") if not singular.endswith("ss") else singular
    )


def _option(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _part(log: str, options: Mapping[str, str]) -> str:
    """The newest lines, or the oldest bytes."""
    lines = log.splitlines(keepends=True)
    kept = "".join(lines[-int(options.get("--tail", len(lines) + 1)) :])
    return kept[: int(options.get("--limit-bytes", len(kept)))]


def _labels(selector: str) -> dict[str, str]:
    return dict(_option(part) for part in selector.split(",") if part)


def _fits(each: Json, wanted: Mapping[str, str]) -> bool:
    labels = each["metadata"].get("labels", {})
    return all(labels.get(key) == value for key, value in wanted.items())


def _merged(before: Any, patch: Any) -> Any:
    """A JSON merge patch."""
    if not isinstance(patch, dict):
        return patch
    after = dict(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = _merged(after.get(key), value)
    return after
