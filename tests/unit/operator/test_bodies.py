"""Bodies by IBGateway: whatever is unpacked or not, what was shown last is what is given."""

from typing import Any

from ibgateway_api.names import Key
from ibgateway_operator.kube.bodies import UNPACKED_GATEWAYS, PackedBodies, itself, named_by_label

PAPER = Key("trading", "paper")


def body(uid: str, *, gateway: str = "paper", version: str = "1", **more: Any) -> dict[str, Any]:
    labels = {"ibgateway.dev/gateway": gateway}
    meta = {"namespace": "trading", "name": uid, "uid": uid, "resourceVersion": version}
    return {"kind": "Pod", "metadata": {**meta, "labels": labels}, **more}


def test_what_was_shown_is_given() -> None:
    bodies = PackedBodies(named_by_label)
    assert bodies.put(body("a"))
    assert bodies.put(body("b"))
    assert bodies.of(PAPER) == [body("a"), body("b")]
    assert bodies.of(Key("trading", "other")) == []
    assert bodies.of(Key("other", "paper")) == []


def test_a_change_is_given_whether_the_gateway_is_unpacked_or_not() -> None:
    bodies = PackedBodies(named_by_label)
    bodies.put(body("a"))
    bodies.put(body("a", version="2", spec={"x": 1}))
    assert bodies.of(PAPER) == [body("a", version="2", spec={"x": 1})]
    bodies.put(body("a", version="3", spec={"x": 2}))
    assert bodies.of(PAPER) == [body("a", version="3", spec={"x": 2})]
    bodies.put(body("b"))
    assert bodies.of(PAPER) == [body("a", version="3", spec={"x": 2}), body("b")]


def test_a_version_that_is_known_is_no_news() -> None:
    bodies = PackedBodies(named_by_label)
    bodies.put(body("a"))
    assert not bodies.put(body("a"))
    assert bodies.put(body("a", version="2"))


def test_without_versions_everything_is_news() -> None:
    bodies = PackedBodies(named_by_label)
    bodies.put(body("a", version=""))
    assert bodies.put(body("a", version=""))


def test_one_that_ended_is_given_once_more_and_forgotten() -> None:
    bodies = PackedBodies(named_by_label)
    bodies.put(body("a"))
    bodies.put(body("b"))
    assert len(bodies.of(PAPER)) == 2
    assert bodies.drop("a") == body("a")
    assert bodies.drop("a") is None
    assert bodies.of(PAPER) == [body("b")]
    bodies.drop("b")
    assert bodies.of(PAPER) == []
    assert bodies.uids("Pod", "") == set()


def test_a_new_label_moves_it_to_another_gateway() -> None:
    bodies = PackedBodies(named_by_label)
    bodies.put(body("a"))
    assert bodies.of(PAPER) == [body("a")]
    moved = body("a", gateway="other", version="2")
    bodies.put(moved)
    assert bodies.of(PAPER) == []
    assert bodies.of(Key("trading", "other")) == [moved]
    assert bodies.owner("a") == Key("trading", "other")


def test_uids_by_kind_and_namespace() -> None:
    bodies = PackedBodies(named_by_label)
    bodies.put(body("a"))
    bodies.put({**body("b"), "kind": "Service"})
    assert bodies.uids("Pod", "trading") == {"a"}
    assert bodies.uids("Pod", "") == {"a"}
    assert bodies.uids("Pod", "other") == set()


def test_only_the_latest_gateways_stay_unpacked() -> None:
    bodies = PackedBodies(named_by_label)
    count = UNPACKED_GATEWAYS * 3
    for n in range(count):
        bodies.put(body(f"uid-{n}", gateway=f"g{n}"))
    for n in range(count):
        assert bodies.of(Key("trading", f"g{n}")) == [body(f"uid-{n}", gateway=f"g{n}")]
    last = Key("trading", f"g{count - 1}")
    assert bodies.of(last)[0] is bodies.of(last)[0]
    first = Key("trading", "g0")
    given = bodies.of(first)[0]
    for n in range(1, UNPACKED_GATEWAYS + 1):
        bodies.of(Key("trading", f"g{n}"))
    assert bodies.of(first) == [given]
    assert bodies.of(first)[0] is not given


def test_ibgateways_are_kept_by_their_own_name() -> None:
    bodies = PackedBodies(itself)
    old = {"kind": "IBGateway", "metadata": {"namespace": "trading", "name": "paper", "uid": "1"}}
    new = {"kind": "IBGateway", "metadata": {"namespace": "trading", "name": "paper", "uid": "2"}}
    bodies.put(old)
    bodies.put(new)
    assert bodies.keys() == [PAPER]
    assert bodies.of(PAPER) == [old, new]
    bodies.drop("1")
    assert bodies.of(PAPER) == [new]


def test_bodies_of_one_kind_are_had_without_unpacking_the_others() -> None:
    bodies = PackedBodies(named_by_label)
    bodies.put(body("a"))
    bodies.put({**body("b"), "kind": "Service"})
    assert [each["kind"] for each in bodies.of(PAPER, "Pod")] == ["Pod"]
    assert bodies._unpacked == {}
    whole = bodies.of(PAPER)
    assert bodies.of(PAPER, "Service")[0] is whole[1]
    assert bodies.of(PAPER, "Secret") == []
