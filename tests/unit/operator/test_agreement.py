"""What is stored agrees with what is wanted: the server may add, spell a quantity anew, drop what is empty."""

from typing import Any

import pytest

from ibgateway_operator.model.agreement import agrees


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"a": 1, "status": {}}, {"a": 1}),
        ({"ports": [{"port": 80, "nodePort": 31000}]}, {"ports": [{"port": 80}]}),
        ({"memory": "2Gi"}, {"memory": "2048Mi"}),
        ({"cpu": "500m"}, {"cpu": 0.5}),
        ({"cpu": "1"}, {"cpu": "1000m"}),
        ({"name": "X"}, {"name": "X", "value": ""}),
        ({"spec": {}}, {"spec": {"ingress": []}}),
    ],
)
def test_what_stands(stored: Any, wanted: Any) -> None:
    assert agrees(stored, wanted)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"a": 2}, {"a": 1}),
        ({}, {"a": 1}),
        ({}, {"automountServiceAccountToken": False}),
        ({}, {"replicas": 0}),
        ({"ports": [{"port": 80}, {"port": 81}]}, {"ports": [{"port": 80}]}),
        ({"ports": [{"port": 81}]}, {"ports": [{"port": 80}]}),
        ({"ports": "80"}, {"ports": ["80"]}),
        ({"memory": "2G"}, {"memory": "2Gi"}),
        ({"on": True}, {"on": "1"}),
        ("text", {"a": 1}),
    ],
)
def test_what_has_to_be_written(stored: Any, wanted: Any) -> None:
    assert not agrees(stored, wanted)
