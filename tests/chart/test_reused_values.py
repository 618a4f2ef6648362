"""`helm upgrade --reuse-values` of an older release: values that were not known then have their defaults, not nil.

Helm takes the old release's values for the new chart's defaults, so a new value is missing altogether; a null does the same.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ibgateway_charts.generated import FREE_VALUES, GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.rendering import Helm

Place = tuple[str, ...]


def keys(values: Mapping[str, Any], above: Place = ()) -> Iterator[Place]:
    """Every key of the values, as a path; below what is the user's own to shape there are none."""
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict) and key not in FREE_VALUES:
            yield from keys(value, (*above, key))


def known(chart: Path) -> list[Place]:
    """Every value of the chart."""
    return list(keys(yaml.safe_load((chart / "values.yaml").read_text())))


def missing(path: Place) -> dict[str, Any]:
    """Values without that one."""
    values: Any = None
    for key in reversed(path):
        values = {key: values}
    return dict(values)


@pytest.mark.parametrize("path", known(OPERATOR_CHART), ids=".".join)
def test_a_value_that_is_missing_has_its_default(helm: Helm, path: Place) -> None:
    assert helm.text(OPERATOR_CHART, missing(path)) == helm.text(OPERATOR_CHART, {})


def test_what_is_false_stays_false_and_what_is_empty_empty(helm: Helm) -> None:
    values = {"watchdog": {"enabled": False}, "networkPolicy": {"notifications": {"ports": []}}}
    rendered = helm.render(OPERATOR_CHART, values)
    assert not [name for name in rendered.kinds() if "watchdog" in name]
    egress = rendered.one("NetworkPolicy")["spec"]["egress"]
    assert len(egress) == len(everything(helm)) - 1, "no way out for messages"


def everything(helm: Helm) -> list[Any]:
    """The ways out of the operator's pod as the chart has them by itself."""
    rules: list[Any] = helm.render(OPERATOR_CHART, {"watchdog": {"enabled": False}}).one(
        "NetworkPolicy"
    )["spec"]["egress"]
    return rules


def test_a_limit_that_the_user_takes_away_does_not_come_back(helm: Helm) -> None:
    rendered = helm.render(
        OPERATOR_CHART, {"resources": {"limits": None}, "watchdog": {"enabled": False}}
    )
    (container,) = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"]
    assert "limits" not in container["resources"]


@pytest.mark.parametrize("path", [("fullnameOverride",), ("labels",), ("annotations",)])
def test_a_gateways_release_lacks_nothing_without_them(helm: Helm, path: Place) -> None:
    assert helm.text(GATEWAY_CHART, missing(path)) == helm.text(GATEWAY_CHART, {})
