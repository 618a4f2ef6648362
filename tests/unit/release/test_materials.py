"""A bill of material names what is locked and installed, is valid, and is the same for the same parts."""

import json

from cyclonedx.model.component import ComponentType

from ibgateway_release.materials import bill, debian_components, npm_components, python_components

EPOCH = 1_700_000_000
LOCK = """aiohttp==3.14.5 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
apprise==2.3.0 \\
    --hash=sha256:{c}
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64, c="c" * 64)
STATUS = """Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2-1
Description: a shell
 of many words

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2026a
"""


def test_each_locked_library_is_named_with_its_hash_where_there_is_one_file() -> None:
    found = {
        one.name: (one.version, [h.content for h in one.hashes]) for one in python_components(LOCK)
    }
    assert found == {
        "aiohttp": ("3.14.5", []),
        "apprise": ("2.3.0", ["c" * 64]),
        "numpy": ("2.4.6", ["a" * 64]),
    }


def test_what_was_removed_from_the_image_is_not_named() -> None:
    found = python_components(LOCK, installed={"aiohttp", "apprise"})
    assert [one.name for one in found] == ["aiohttp", "apprise"]


def test_the_pages_library_is_named_by_its_scope() -> None:
    lock = {"packages": {"": {}, "node_modules/@novnc/novnc": {"version": "1.7.0"}}}
    assert [str(one.purl) for one in npm_components(json.dumps(lock))] == [
        "pkg:npm/%40novnc/novnc@1.7.0"
    ]


def test_a_debian_package_that_was_removed_is_not_named() -> None:
    found = [str(one.purl) for one in debian_components(STATUS)]
    assert found == ["pkg:deb/debian/bash@5.2-1?arch=amd64", "pkg:deb/debian/tzdata@2026a?arch=all"]


def test_the_bill_is_the_same_for_the_same_parts_in_any_order() -> None:
    parts = [*python_components(LOCK), *debian_components(STATUS)]
    one = bill("ibgateway-agent", "0.1.0", ComponentType.CONTAINER, parts, EPOCH)
    other = bill("ibgateway-agent", "0.1.0", ComponentType.CONTAINER, reversed(parts), EPOCH)
    assert one == other
    document = json.loads(one)
    assert (document["specVersion"], len(document["components"])) == ("1.6", 5)
    assert document["metadata"]["component"]["name"] == "ibgateway-agent"
