"""Where each kind lives in the API."""

from ibgateway_operator.model.kinds import BY_KIND, CONFIG_MAP, GATEWAY, STATEFUL_SET


def test_paths_of_core_and_group() -> None:
    assert CONFIG_MAP.path("ns", "a") == "/api/v1/namespaces/ns/configmaps/a"
    assert STATEFUL_SET.path("ns") == "/apis/apps/v1/namespaces/ns/statefulsets"
    assert STATEFUL_SET.path("") == "/apis/apps/v1/statefulsets"
    assert (
        GATEWAY.path("ns", "a", subresource="status")
        == "/apis/ibgateway.dev/v1alpha1/namespaces/ns/ibgateways/a/status"
    )


def test_every_kind_is_found_by_its_name() -> None:
    assert all(kind.kind == name for name, kind in BY_KIND.items())
