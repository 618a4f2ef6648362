"""An image's archive is the same bytes whenever and wherever it was built, and other bytes for other content."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from typing import Any

from ibgateway_release.archive import image_id, timeless_image, timeless_layer

EPOCH = 1_700_000_000


def entry(
    name: str, *, mtime: int, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.mtime, found.type, found.linkname, found.mode = mtime, kind, link, 0o755
    return found


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as written:
        for member, content in members:
            member.size = len(content)
            written.addfile(member, io.BytesIO(content))
    return out.getvalue()


def saved(
    *, mtime: int, host: str, content: bytes = b"print()", backwards: bool = False, name: str = "l"
) -> bytes:
    """As `docker save` writes it."""
    files = [
        (entry("app/a.py", mtime=mtime), content),
        (entry("app/b.py", mtime=mtime), b""),
        (entry("app/old.py", mtime=5), b"old"),
    ]
    layer = tar(reversed(files) if backwards else files)
    config: dict[str, Any] = {
        "created": f"2026-01-01T00:00:{mtime % 60:02}Z",
        "container": host,
        "container_config": {"Hostname": host},
        "config": {"Hostname": host, "Env": ["PATH=/bin"], "User": "10001:10001"},
        "history": [{"created": f"2026-01-01T00:00:{mtime % 60:02}Z", "created_by": "COPY"}],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": [f"{name}/layer.tar"]}]
    return tar(
        [
            (entry("c.json", mtime=mtime), json.dumps(config).encode()),
            (entry(f"{name}/layer.tar", mtime=mtime), layer),
            (entry("manifest.json", mtime=mtime), json.dumps(manifest).encode()),
        ]
    )


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as given:
        return {one.name: given.extractfile(one).read() for one in given.getmembers()}  # type: ignore[union-attr]


def test_two_builds_of_the_same_files_give_the_same_archive() -> None:
    one = timeless_image(saved(mtime=EPOCH + 5, host="a"), EPOCH)
    other = timeless_image(saved(mtime=EPOCH + 90, host="b", backwards=True, name="m"), EPOCH)
    assert one == other


def test_another_file_gives_another_image() -> None:
    one = timeless_image(saved(mtime=EPOCH + 5, host="a"), EPOCH)
    other = timeless_image(saved(mtime=EPOCH + 5, host="a", content=b"exit()"), EPOCH)
    assert image_id(one) != image_id(other)


def test_what_an_engine_checks_fits_the_layers() -> None:
    files = unpacked(timeless_image(saved(mtime=EPOCH + 5, host="a"), EPOCH))
    (image,) = json.loads(files["manifest.json"])
    config = json.loads(files[image["Config"]])
    layer = files[image["Layers"][0]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert image["Config"] == f"{hashlib.sha256(files[image['Config']]).hexdigest()}.json"
    assert config["config"] == {"Env": ["PATH=/bin"], "User": "10001:10001"}
    assert "container" not in config


def test_no_file_is_younger_than_the_release_and_older_ones_keep_their_time() -> None:
    layer = tar([(entry("new", mtime=EPOCH + 9), b"1"), (entry("old", mtime=5), b"2")])
    with tarfile.open(fileobj=io.BytesIO(timeless_layer(layer, EPOCH))) as found:
        assert {one.name: one.mtime for one in found.getmembers()} == {"new": EPOCH, "old": 5}


def test_a_hard_link_stands_behind_the_file_that_it_names() -> None:
    link = entry("a-link", mtime=1, kind=tarfile.LNKTYPE, link="z-file")
    layer = tar([(entry("z-file", mtime=1), b"1"), (link, b"")])
    with tarfile.open(fileobj=io.BytesIO(timeless_layer(layer, EPOCH))) as found:
        assert found.getnames() == ["z-file", "a-link"]


def test_logs_of_the_build_are_left_out() -> None:
    layer = tar([(entry("var/log/dpkg.log", mtime=1), b"x"), (entry("usr/bin/sh", mtime=1), b"y")])
    with tarfile.open(fileobj=io.BytesIO(timeless_layer(layer, EPOCH))) as found:
        assert found.getnames() == ["usr/bin/sh"]
