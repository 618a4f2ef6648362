"""Bills of material (CycloneDX): what a wheel or an image brings along, from the locked requirements and dpkg's own list. Pure."""

import json
import re
from collections.abc import Container, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_DNS, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class BillError(ValueError):
    """A bill that CycloneDX's schema refuses."""


def python_components(lock: str, installed: Container[str] | None = None) -> list[Component]:
    """Of a file of locked requirements, those among them that are `installed` (normalized names; None: all).

    A hash stands where there is one file for all platforms.
    """
    found: list[Component] = []
    for block in re.split(r"\n(?=\S)", lock):
        pinned = _PINNED.match(block)
        if pinned is None or (installed is not None and normalized(pinned[1]) not in installed):
            continue
        hashes = _HASH.findall(block)
        found.append(
            Component(
                name=pinned[1],
                version=pinned[2],
                purl=PackageURL("pypi", None, pinned[1].lower(), pinned[2]),
                bom_ref=f"pypi:{pinned[1]}@{pinned[2]}",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes[:1]]
                if len(hashes) == 1
                else [],
            )
        )
    return found


def normalized(name: str) -> str:
    """A distribution's name as an index has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def npm_components(lock: str) -> list[Component]:
    """Of a package-lock.json."""
    packages: dict[str, dict[str, str]] = json.loads(lock)["packages"]
    found: list[Component] = []
    for place, package in packages.items():
        scope, _, name = place.removeprefix("node_modules/").rpartition("/")
        if place:
            purl = PackageURL("npm", scope or None, name, package["version"])
            found.append(
                Component(
                    name=name,
                    group=scope or None,
                    version=package["version"],
                    purl=purl,
                    bom_ref=str(purl),
                )
            )
    return found


def debian_components(status: str) -> list[Component]:
    """Of dpkg's list of installed packages, `/var/lib/dpkg/status`."""
    found: list[Component] = []
    for paragraph in status.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in paragraph.splitlines() if re.match(r"\S+: ", line)
        )
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        purl = PackageURL("deb", "debian", name, version, {"arch": fields["Architecture"]})
        found.append(
            Component(name=name, version=version, purl=purl, bom_ref=f"deb:{name}@{version}")
        )
    return found


def bill(
    name: str, version: str, kind: ComponentType, components: Iterable[Component], epoch: int
) -> str:
    """The document of `name`, the same for the same parts. BillError where the schema refuses it."""
    parts = list(components)
    bom = Bom(components=parts, serial_number=uuid5(NAMESPACE_DNS, f"{name}@{version}"))
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    whole = Component(name=name, version=version, type=kind, bom_ref=f"{name}@{version}")
    bom.metadata.component = whole
    bom.register_dependency(whole, parts)
    document = JsonV1Dot6(bom).output_as_string(indent=1)
    if refused := JsonStrictValidator(SchemaVersion.V1_6).validate_str(document):
        raise BillError(f"the bill of {name} is none: {refused}")
    return document + "\n"
