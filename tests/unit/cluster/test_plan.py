import pytest

from ibgateway_cluster import plan
from ibgateway_cluster.errors import DiskFullError, UnsupportedError

GIB = 1024**3


@pytest.mark.parametrize(
    ("answers", "root", "debian", "expected"),
    [
        (True, False, False, "existing"),
        (True, True, True, "existing"),
        (False, True, True, "own"),
    ],
)
def test_an_engine_that_answers_is_used_and_root_on_debian_brings_its_own(
    answers: bool, root: bool, debian: bool, expected: str
) -> None:
    assert plan.engine(answers=answers, root=root, debian=debian) == expected


@pytest.mark.parametrize(("root", "debian"), [(False, True), (True, False), (False, False)])
def test_without_engine_and_without_root_on_debian_one_line_says_what_to_install(
    root: bool, debian: bool
) -> None:
    with pytest.raises(UnsupportedError, match="install and start Docker") as caught:
        plan.engine(answers=False, root=root, debian=debian)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("official", "root", "debian", "expected"),
    [
        (True, False, False, "official"),
        (True, True, True, "official"),
        (False, True, True, "built"),
    ],
)
def test_the_official_node_image_comes_before_a_built_one(
    official: bool, root: bool, debian: bool, expected: str
) -> None:
    assert plan.node(official=official, root=root, debian=debian) == expected


def test_a_node_image_that_can_be_neither_pulled_nor_built_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"kindest/node:v1\.37\.0 can't be pulled"):
        plan.node(official=False, root=False, debian=True)


def test_the_official_node_image_is_pinned_by_digest() -> None:
    assert plan.NODE_IMAGE.startswith("kindest/node:v1.37.0@sha256:a1ed56cf")


@pytest.mark.parametrize(
    ("missing", "gibibytes"),
    [
        (plan.Missing(programs=14, node_image=True), 12),
        (plan.Missing(programs=1, node_image=True), 6),
        (plan.Missing(programs=3, node_image=False), 6),
        (plan.Missing(programs=0, node_image=False), 2),
    ],
)
def test_the_space_asked_for_follows_what_must_be_built(
    missing: plan.Missing, gibibytes: int
) -> None:
    assert plan.needed_bytes(missing) == gibibytes * GIB


def test_too_little_space_is_said_before_anything_starts() -> None:
    with pytest.raises(DiskFullError, match=r"/cache has 1\.5 GiB free, 12 GiB are needed"):
        plan.check_space(3 * GIB // 2, 12 * GIB, "/cache")


def test_enough_space_passes() -> None:
    plan.check_space(12 * GIB, 12 * GIB, "/cache")


def test_another_node_image_may_be_named_for_another_kubernetes() -> None:
    named = {"IBGATEWAY_NODE_IMAGE": "kindest/node:v1.31.14"}
    assert plan.official_node(named) == "kindest/node:v1.31.14"
    assert plan.official_node({"IBGATEWAY_NODE_IMAGE": ""}) == plan.NODE_IMAGE
