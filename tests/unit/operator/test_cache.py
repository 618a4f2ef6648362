"""Our own writes over what the watches have shown: neither the past nor a foreign change is hidden."""

from dataclasses import dataclass, field

from ibgateway_api.names import Key
from ibgateway_operator.kube.cache import REMEMBERED_ENDS, Cache
from ibgateway_operator.model.manifests import Manifest

KEY = Key("trading", "paper")


@dataclass
class ShownChildren:
    """An informer that shows what the test tells it to show."""

    bodies: list[Manifest] = field(default_factory=list)
    own: Manifest | None = None

    def gateways(self) -> list[Key]:
        return []

    def gateway(self, key: Key) -> Manifest | None:
        return self.own

    def children(self, key: Key, kind: str = "") -> list[Manifest]:
        return [body for body in self.bodies if kind in ("", body["kind"])]


def pod(version: str, status: Manifest | None = None) -> Manifest:
    labels = {"ibgateway.dev/gateway": "paper"}
    meta = {"namespace": "trading", "name": "p", "resourceVersion": version, "labels": labels}
    return {"kind": "Pod", "metadata": meta, **({"status": status} if status else {})}


def body(uid: str, version: str) -> Manifest:
    """A pod of that name, which may have been made more than once."""
    made = pod(version)
    made["metadata"]["uid"] = uid
    return made


def test_a_write_is_seen_before_the_watch_shows_it() -> None:
    before, after = pod("1"), pod("2", {"x": 1})
    cache = Cache(ShownChildren([before]))
    cache.written(after)
    assert cache.children(KEY) == (after,)


def test_what_the_watch_shows_later_wins() -> None:
    before, after = pod("1"), pod("2")
    shown = ShownChildren([before])
    cache = Cache(shown)
    cache.written(after)
    shown.bodies = [pod("3", {"by": "another"})]
    assert cache.children(KEY) == (pod("3", {"by": "another"}),)
    shown.bodies = [before]
    assert cache.children(KEY) == (before,)


def test_a_new_object_is_seen_until_it_is_gone() -> None:
    shown = ShownChildren()
    cache = Cache(shown)
    cache.written(pod("1"))
    assert cache.children(KEY) == (pod("1"),)
    assert cache.children(Key("trading", "other")) == ()
    cache.gone(pod("1"))
    assert cache.children(KEY) == ()
    assert shown.bodies == []


def test_an_answer_that_comes_late_does_not_hide_a_newer_write() -> None:
    before, condition, annotated = pod("1"), pod("2", {"x": 1}), pod("3", {"x": 2})
    cache = Cache(ShownChildren([before]))
    cache.written(annotated)
    cache.written(condition)
    assert cache.children(KEY) == (annotated,)


def test_a_child_that_we_wrote_and_then_deleted_is_gone() -> None:
    shown = pod("5")
    cache = Cache(ShownChildren([shown]))
    cache.written(pod("6"))
    cache.deleted(pod("6"))
    assert cache.children(KEY) == ()


def test_a_child_that_we_deleted_and_made_again_is_seen() -> None:
    shown = pod("5")
    cache = Cache(ShownChildren([shown]))
    cache.deleted(shown)
    again = pod("7")
    again["metadata"]["uid"] = "another"
    cache.written(again)
    assert cache.children(KEY) == (again,)


def test_what_we_were_answered_is_kept_only_until_the_watch_shows_it() -> None:
    cache = Cache(ShownChildren())
    cache.written(pod("2"))
    cache.shown(pod("1"))
    assert cache.children(KEY) == (pod("2"),)
    cache.shown(pod("2"))
    assert cache.children(KEY) == ()


def test_managed_fields_of_an_answer_are_not_kept() -> None:
    cache = Cache(ShownChildren())
    answer = pod("2")
    answer["metadata"]["managedFields"] = [{"manager": "ibgateway-operator"}]
    cache.written(answer)
    assert cache.children(KEY) == (pod("2"),)


def test_an_answer_that_comes_after_the_end_makes_nothing_appear() -> None:
    cache = Cache(ShownChildren())
    cache.gone(body("a", "5"))
    cache.written(body("a", "6"))
    assert cache.children(KEY) == ()
    cache.shown(body("a", "7"))
    cache.written(body("a", "8"))
    assert cache.children(KEY) == (body("a", "8"),), "it had lost its labels, and has them again"


def test_the_ends_that_came_last_are_remembered() -> None:
    cache = Cache(ShownChildren())
    for number in range(REMEMBERED_ENDS + 1):
        cache.gone(body(f"uid-{number}", "5"))
    cache.written(body(f"uid-{REMEMBERED_ENDS}", "6"))
    assert cache.children(KEY) == ()
    cache.written(body("uid-0", "6"))
    assert cache.children(KEY) == (body("uid-0", "6"),)


def test_the_end_of_one_does_not_hide_the_next_one_of_its_name() -> None:
    cache = Cache(ShownChildren())
    cache.written(body("a", "9"))
    cache.written(body("b", "3"))
    cache.gone(body("a", "9"))
    assert cache.children(KEY) == (body("b", "3"),)


def test_a_child_that_lives_on_after_its_deletion_is_seen() -> None:
    cache = Cache(ShownChildren([body("a", "6")]))
    cache.deleted(body("a", "5"))
    assert cache.children(KEY) == (body("a", "6"),), "a finalizer keeps it"


def test_an_ibgateway_that_the_api_server_no_longer_has_is_not_there() -> None:
    shown = ShownChildren(own=body("a", "5"))
    cache = Cache(shown)
    cache.vanished(KEY)
    assert cache.gateway(KEY) is None
    shown.own = body("b", "7")
    assert cache.gateway(KEY) == body("b", "7")


def test_nothing_is_kept_of_what_has_ended() -> None:
    shown = ShownChildren(own=body("a", "5"))
    cache = Cache(shown)
    cache.written(body("a", "6"))
    cache.deleted(body("a", "6"))
    cache.vanished(KEY)
    cache.gone(body("a", "6"))
    assert (cache._overlays, cache._written, cache._deleted, cache._vanished) == ({}, {}, {}, set())


def test_a_version_that_is_no_number_hides_nothing() -> None:
    cache = Cache(ShownChildren([body("a", "v2")]))
    cache.written(body("a", "v1"))
    assert cache.children(KEY) == (body("a", "v2"),)
