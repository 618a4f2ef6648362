"""A file of target weights as the body of a rebalance. Pure.

Numbers stay as they are written: as a float a weight would lose digits. A key that stands twice is refused, as the executor does.
"""

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import yaml

from ibgateway_cli.errors import ExitCode, PluginError

_WHOLE: Final = frozenset({"phaseSeconds", "conId"})
_AS_WRITTEN: Final = (
    "tag:yaml.org,2002:float",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:timestamp",
    "tag:yaml.org,2002:bool",
)
_BOOL: Final = ("tag:yaml.org,2002:bool", re.compile("(?:true|false)$"))
"""Nothing else is one: ON is a symbol, and NO could be."""


def rebalance_body(text: str | bytes, *, account: str | None) -> dict[str, Any]:
    """The body of `POST /v1/rebalances`; `targets` may be short: `AAPL: 0.6`. Raises PluginError."""
    found = _document(text if isinstance(text, str) else _decoded(text))
    if not isinstance(found, dict) or "targets" not in found:
        raise _unreadable("it has no targets")
    body: dict[str, Any] = _whole(found)
    targets = body["targets"]
    if isinstance(targets, Mapping):
        body["targets"] = [
            {"contract": {"symbol": _symbol(symbol)}, "weight": weight}
            for symbol, weight in targets.items()
        ]
    if account is not None and body.setdefault("account", account) != account:
        raise _unreadable(f"it is for account {body['account']}, and --account says {account}")
    return body


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable("it is no UTF-8") from error


def _symbol(key: object) -> str:
    """What stands before the colon. Raises PluginError for what YAML takes for something else."""
    if not isinstance(key, str):
        raise _unreadable(f"{json.dumps(key)} is no symbol: write it in quotes")
    return key


def _document(text: str) -> Any:
    try:
        if text.lstrip().startswith("{"):
            return json.loads(
                text, parse_float=str, parse_int=str, object_pairs_hook=_without_doubles
            )
        return yaml.load(text, _TextLoader)  # noqa: S506 - a SafeLoader that makes fewer types
    except (ValueError, yaml.YAMLError) as error:
        raise _unreadable(" ".join(str(error).split())) from error


class _TextLoader(yaml.SafeLoader):
    """Numbers, times and yes or no as text, true and false alone are not; a key that stands twice is an error."""

    yaml_implicit_resolvers = {
        first: [
            *([_BOOL] if first in "tf" else []),
            *((tag, regexp) for tag, regexp in found if tag not in _AS_WRITTEN),
        ]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's
        """A mapping whose keys are different."""
        pairs = [(self.construct_object(key, deep=True), None) for key, _ in node.value]
        _without_doubles(pairs)
        return super().construct_mapping(node, deep=deep)


def _without_doubles(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key, value in pairs:
        if not isinstance(key, Hashable):
            raise ValueError(f"{key} is no key")  # noqa: TRY004 - of a text that can't be read
        if key in seen:
            raise ValueError(f"{key} stands twice")
        seen[key] = value
    return seen


def _whole(value: Any, name: str = "") -> Any:
    """The two fields that are numbers for the executor, as numbers."""
    if isinstance(value, dict):
        return {key: _whole(each, str(key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if name in _WHOLE and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def _unreadable(why: str) -> PluginError:
    return PluginError(
        f"the file can't be read as a rebalance: {why}",
        "write targets: and below it lines like AAPL: 0.6, as docs/plugin-orders.md shows",
        ExitCode.USAGE,
    )
