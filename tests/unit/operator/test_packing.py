"""A body comes back as it was, and one that resembles another one takes few bytes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ibgateway_operator.model.packing import BodyPacker
from operator_fakes import pod

TEXT = st.text(max_size=20)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(bodies=st.lists(st.dictionaries(TEXT, BODIES, max_size=3), max_size=4))
def test_every_body_comes_back_whatever_was_packed_before(bodies: list[dict[str, object]]) -> None:
    packer = BodyPacker()
    packed = [packer.packed(body, "Pod") for body in bodies]
    assert [each.unpacked() for each in packed] == bodies


def test_a_body_beyond_the_window_comes_back() -> None:
    packer = BodyPacker()
    long = {"data": {str(n): str(n * 7919) for n in range(9000)}}
    assert [packer.packed(long, "ConfigMap").unpacked() for _ in range(2)] == [long, long]


def test_a_second_one_of_a_sort_takes_a_tenth() -> None:
    packer = BodyPacker()
    packer.packed(pod("gateway"), "Pod")
    second = packer.packed(pod("gateway", uid="uid-2"), "Pod")
    assert len(second.data) * 10 < len(json.dumps(pod("gateway")))


def test_the_longest_so_far_is_the_sample_for_those_that_come() -> None:
    packer = BodyPacker()
    short, long = {"a": "x" * 100}, {"a": "x" * 100, "status": [str(n * 7919) for n in range(60)]}
    before = packer.packed(short, "Pod")
    packer.packed(long, "Pod")
    assert len(packer.packed(long, "Pod").data) < 40
    assert before.unpacked() == short


def test_sorts_have_samples_of_their_own() -> None:
    packer = BodyPacker()
    packer.packed({"a": [str(n * 7919) for n in range(60)]}, "Pod")
    other = packer.packed({"b": "short"}, "Service")
    assert other.sample == b'{"b":"short"}'
