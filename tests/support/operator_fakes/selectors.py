"""Label selectors and server-side apply, as far as the operator uses them. Pure."""

from collections.abc import Mapping
from typing import Any

from ibgateway_operator.model.manifests import Manifest


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels meet a selector of `key=value`, `key` and `!key` terms; an empty one takes all."""
    return all(_meets(term, labels) for term in selector.split(",") if term)


def _meets(term: str, labels: Mapping[str, str]) -> bool:
    if term.startswith("!"):
        return term[1:] not in labels
    key, equals, value = term.partition("=")
    return labels.get(key) == value if equals else key in labels


def applied(stored: Manifest, before: Manifest, ours: Manifest) -> Manifest:
    """What is stored after a forced apply of `ours` by a manager whose last one was `before`.

    What others wrote stays, what we wrote before and no longer want goes. A list is taken whole; the
    real server merges some by a key. The parts are those of the arguments, not copies.
    """
    kept = {k: v for k, v in stored.items() if k not in before}
    return kept | {k: _value(stored.get(k), before.get(k), v) for k, v in ours.items()}


def _value(stored: Any, before: Any, ours: Any) -> Any:
    if isinstance(stored, dict) and isinstance(ours, dict):
        return applied(stored, before if isinstance(before, dict) else {}, ours)
    return ours


def merged_status(stored: Manifest, wanted: Manifest) -> Manifest:
    """A status after an apply: a list of conditions is a map by their type."""
    conditions = {c["type"]: c for c in stored.get("conditions", [])}
    conditions |= {c["type"]: c for c in wanted.get("conditions", [])}
    merged = {**stored, **wanted}
    return {**merged, "conditions": list(conditions.values())} if conditions else merged
