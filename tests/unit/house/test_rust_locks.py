"""Rust programs are built from exact versions with checksums, and name no registry."""

import re
from pathlib import Path

import pytest

from rust_programs import with_source, without_source

TOP = Path(__file__).parents[3]
LOCKS = sorted(
    lock for folder in ("tests", "examples") for lock in (TOP / folder).glob("**/packages.lock")
)
FULL = """version = 4

[[package]]
name = "memchr"
version = "2.8.3"
source = "a registry"
checksum = "cafe"

[[package]]
name = "ours"
version = "0.0.0"
dependencies = [
 "memchr",
]
"""


def test_the_address_comes_back_where_it_was() -> None:
    bare = without_source(FULL)
    assert "a registry" not in bare
    assert with_source(bare, "a registry") == FULL


def test_there_is_a_lock() -> None:
    assert TOP / "tests/clients/rust_ibapi/packages.lock" in LOCKS


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(TOP)))
def test_every_package_but_our_own_has_a_checksum_and_none_an_address(lock: Path) -> None:
    text = lock.read_text()
    packages = text.split("[[package]]")[1:]
    without = [package for package in packages if "checksum = " not in package]
    assert len(without) == 1
    assert "://" not in text
    assert "source = " not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(TOP)))
def test_what_is_asked_for_is_an_exact_version(lock: Path) -> None:
    asked = (lock.parent / "Cargo.toml").read_text().partition("[dependencies]")[2]
    versions = re.findall(
        r'^\w+ = (?:\{ version = )?"(.*?)"', asked.partition("\n[")[0], re.MULTILINE
    )
    assert versions
    assert [version for version in versions if not version.startswith("=")] == []
