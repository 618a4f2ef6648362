"""The pod's scripts reach the operator: in the tree, in its image and in an installed wheel."""

import tomllib
from pathlib import Path

import ibgateway_pod
from ibgateway_operator.__main__ import scripts

ROOT = Path(__file__).parents[3]
NAMES = [ibgateway_pod.WRAPPER, ibgateway_pod.PRESTOP, ibgateway_pod.START_SCRIPT]


def test_every_script_of_the_folder_has_a_name() -> None:
    folder = ROOT / "gateway" / "ibgateway_pod"
    assert sorted(NAMES) == sorted(path.name for path in folder.glob("*.sh"))
    assert all(ibgateway_pod.script(name).startswith("#!/bin/bash\n") for name in NAMES)


def test_the_operator_hands_each_one_over() -> None:
    given = scripts()
    assert [given.wrapper, given.prestop, given.ibc] == [ibgateway_pod.script(n) for n in NAMES]


def test_the_wheel_and_the_operators_image_have_the_package() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert "gateway/ibgateway_pod" in build["targets"]["wheel"]["packages"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    image = dockerfile.split("FROM base AS operator\n")[1].split("\nFROM ")[0]
    assert "COPY gateway/ibgateway_pod ibgateway_pod" in image
