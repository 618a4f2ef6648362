"""Packs the charts so that one commit gives one package, byte for byte: whoever has the sources can tell whose package it is.

Helm's own archive has the time of packing in it. `python -m ibgateway_charts.packaging FOLDER` packs both charts of this checkout
with the time of its commit, or with SOURCE_DATE_EPOCH.
"""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ibgateway_charts.generated import GATEWAY_CHART, OPERATOR_CHART, REPOSITORY
from ibgateway_charts.rendering import Helm, helm_program


def package(helm: Helm, chart: Path, folder: Path, epoch: int) -> Path:
    """`helm package` of `chart` into `folder`, with `epoch` as the time of everything in it. Raises RefusedError."""
    with tempfile.TemporaryDirectory() as scratch:
        helm.run("package", str(chart), f"--destination={scratch}")
        (packed,) = Path(scratch).iterdir()
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / packed.name
        place.write_bytes(timeless(packed.read_bytes(), epoch))
    return place


def packages(folder: Path, epoch: int) -> list[Path]:
    """Both charts, packed into `folder`."""
    with tempfile.TemporaryDirectory() as home:
        helm = Helm(Path(helm_program()), Path(home))
        return [package(helm, chart, folder, epoch) for chart in (OPERATOR_CHART, GATEWAY_CHART)]


def timeless(archive: bytes, epoch: int) -> bytes:
    """The same files in the order of their names, with one time, one owner and one mode."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as packed:
        files = {one.name: _read(packed, one) for one in packed.getmembers() if one.isfile()}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as anew:
        for name in sorted(files, key=_chart_first):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(files[name]), epoch, 0o644
            anew.addfile(entry, io.BytesIO(files[name]))
    packed_anew = io.BytesIO()
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=packed_anew, mtime=epoch) as stream:
        stream.write(plain.getvalue())
    return packed_anew.getvalue()


def _chart_first(name: str) -> tuple[bool, str]:
    """Helm and registries read Chart.yaml; they need not unpack the rest for it."""
    return not name.endswith("/Chart.yaml"), name


def _read(packed: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = packed.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} is no file")
    return file.read()


def commit_time(environ: dict[str, str]) -> int:
    """SOURCE_DATE_EPOCH, else when this checkout's commit was made."""
    told = environ.get("SOURCE_DATE_EPOCH")
    asked = ["git", "log", "-1", "--format=%ct"]
    return int(told or subprocess.check_output(asked, cwd=REPOSITORY, text=True, timeout=60))


def main(arguments: list[str]) -> int:
    """Pack both charts into the folder that is named; print the files."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m ibgateway_charts.packaging FOLDER\n")
        return 2
    for place in packages(Path(arguments[0]), commit_time(dict(os.environ))):
        sys.stdout.write(f"{place}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
