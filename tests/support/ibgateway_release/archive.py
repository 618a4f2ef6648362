"""An image archive as `docker save` writes it, without the time and the machine it was built on. Pure.

Two builds of one commit then are the same bytes, and whoever has the sources can tell whose image it is. The layers stay layers,
so that images share what they have in common.
"""

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from typing import Any, Final

_OF_THE_BUILD: Final = ("container", "container_config", "docker_version")
"""What a configuration tells about the machine that built it."""
_LEFT_BY_TOOLS: Final = ("var/cache/ldconfig/aux-cache", "var/log/", "root/.cache/")
"""Paths in a layer that hold times of the build and nothing that a program reads."""


def timeless_image(archive: bytes, epoch: int) -> bytes:
    """The same image with `epoch` (seconds) as the latest time of everything in it."""
    files = _files(archive)
    (image,) = json.loads(files["manifest.json"])
    layers = [timeless_layer(files[name], epoch) for name in image["Layers"]]
    config = json.loads(files[image["Config"]])
    written = json.dumps(_config(config, layers, epoch), sort_keys=True).encode()
    names = [f"{_digest(layer)}.tar" for layer in layers]
    manifest = [
        {"Config": f"{_digest(written)}.json", "RepoTags": image["RepoTags"], "Layers": names}
    ]
    members = {
        f"{_digest(written)}.json": written,
        **dict(zip(names, layers, strict=True)),
        "manifest.json": json.dumps(manifest, sort_keys=True).encode(),
    }
    return _tar(members, epoch)


def timeless_layer(layer: bytes, epoch: int) -> bytes:
    """A layer whose files are no younger than `epoch`, in the order of their names."""
    anew = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(layer)) as given,
        tarfile.open(fileobj=anew, mode="w", format=tarfile.GNU_FORMAT) as written,
    ):
        members = [one for one in given.getmembers() if not one.name.startswith(_LEFT_BY_TOOLS)]
        # A hard link may only stand behind what it names.
        for member in sorted(members, key=lambda one: (one.islnk(), one.name)):
            member.mtime = min(int(member.mtime), epoch)
            member.uname = member.gname = ""
            member.pax_headers = {}
            written.addfile(member, given.extractfile(member) if member.isreg() else None)
    return anew.getvalue()


def image_id(archive: bytes) -> str:
    """`sha256:...` of an archive's configuration: what an engine calls the image after loading it."""
    (image,) = json.loads(_files(archive, only="manifest.json")["manifest.json"])
    return f"sha256:{image['Config'].removesuffix('.json')}"


def _config(config: dict[str, Any], layers: list[bytes], epoch: int) -> dict[str, Any]:
    when = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kept = {name: value for name, value in config.items() if name not in _OF_THE_BUILD}
    kept["config"] = {
        name: value for name, value in config["config"].items() if name not in {"Hostname", "Image"}
    }
    kept["created"] = when
    kept["history"] = [{**line, "created": when} for line in config.get("history", [])]
    kept["rootfs"] = {
        "type": "layers",
        "diff_ids": [f"sha256:{_digest(layer)}" for layer in layers],
    }
    return kept


def _files(archive: bytes, *, only: str | None = None) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as given:
        for member in given.getmembers():
            if only is not None and member.name != only:
                continue
            file = given.extractfile(member) if member.isreg() or member.issym() else None
            if file is not None:
                found[member.name] = file.read()
    return found


def _tar(members: dict[str, bytes], epoch: int) -> bytes:
    anew = io.BytesIO()
    with tarfile.open(fileobj=anew, mode="w", format=tarfile.USTAR_FORMAT) as written:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), epoch, 0o644
            written.addfile(entry, io.BytesIO(content))
    return anew.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
