"""A corrected Secret and a request for an attempt, set at once: the pod has the new Secret before the sentinel is asked."""

import pytest

from operator_fakes import OperatorWorld

ASKED = ("/v1/login-requests", '{"id":"2026-11-18T14:59:30Z"}')
NEW = "ibgateway.dev/credentials-version"


@pytest.fixture
def rotated(trading: OperatorWorld) -> OperatorWorld:
    trading.secret(IB_USERNAME="someone", IB_PASSWORD="canary-corrected", VNC_PASSWORD="hidden")
    trading.request_login("2026-11-18T14:59:30Z")
    return trading


def annotations(world: OperatorWorld) -> dict[str, str]:
    found: dict[str, str] = world.api_server.named("Pod", "paper-gateway-0")["metadata"].get(
        "annotations", {}
    )
    return found


async def test_the_pod_is_told_of_the_new_secret_before_the_sentinel_is_asked(
    rotated: OperatorWorld,
) -> None:
    assert NEW not in annotations(rotated)
    assert "annotate paper-gateway-0" in await rotated.reconcile()
    stored = rotated.api_server.named("Secret", "ib-credentials")
    assert annotations(rotated)[NEW] == stored["metadata"]["resourceVersion"]
    assert rotated.http.posted == []
    assert rotated.next_look() <= 1.0
    rotated.pass_time(4.9)
    rotated.hear_again()
    assert await rotated.reconcile() == []
    assert rotated.http.posted == []
    rotated.pass_time(0.2)
    rotated.hear_again()
    await rotated.reconcile()
    assert rotated.http.posted == [ASKED]
    assert "canary" not in str(rotated.api_server.named("Pod", "paper-gateway-0"))


async def test_a_secret_that_is_as_it_was_holds_up_no_request(trading: OperatorWorld) -> None:
    trading.request_login("2026-11-18T14:59:30Z")
    assert "annotate paper-gateway-0" not in await trading.reconcile()
    assert trading.http.posted == [ASKED]
    assert NEW not in annotations(trading)


async def test_each_rotation_is_told_once(rotated: OperatorWorld) -> None:
    await rotated.reconcile()
    for _ in range(3):
        rotated.pass_time(60)
        rotated.hear_again()
        assert "annotate paper-gateway-0" not in await rotated.reconcile()
    first = annotations(rotated)[NEW]
    rotated.secret(IB_USERNAME="another", IB_PASSWORD="canary-next", VNC_PASSWORD="hidden")
    rotated.request_login("2026-11-18T15:03:00Z")
    assert "annotate paper-gateway-0" in await rotated.reconcile()
    assert annotations(rotated)[NEW] != first
