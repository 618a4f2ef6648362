"""A Docker engine of our own: started from Debian's packages, stopped without a trace.

Invariants: everything that it writes is under `paths.engine_data` and `paths.run`; it never reads the
machine's Docker configuration; what the machine looked like before is recorded before it starts.
"""

import ipaddress
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster import machine, packages, processes
from ibgateway_cluster.command import succeeds
from ibgateway_cluster.errors import BusyError, ClusterToolError, CommandError, DiskFullError
from ibgateway_cluster.host import Host
from ibgateway_cluster.paths import SOURCES, Paths
from ibgateway_cluster.report import Reporter

_DOCKERD = packages.MARKS["docker.io"]
_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_START_SECONDS = 60
_STOP_SECONDS = 40
# The blocks that our networks are cut from; the first free ones are taken.
_BLOCKS = tuple(ipaddress.IPv4Network(f"10.{second}.0.0/16") for second in range(198, 220))


@dataclass(frozen=True)
class OwnEngine:
    """The engine of one cache folder."""

    paths: Paths
    host: Host

    @property
    def address(self) -> str:
        """What DOCKER_HOST has to be."""
        return f"unix://{self.paths.socket}"

    def running(self) -> bool:
        """Whether it answers."""
        return self.paths.socket.exists() and succeeds(
            ["docker", "--host", self.address, "version"]
        )

    def start(self, report: Reporter) -> None:
        """Bring it up, whatever a run that was killed has left; does nothing when it answers.

        Raises BusyError while another engine has this network.
        """
        if self.running():
            return
        self._stand_alone()
        packages.install(packages.ENGINE, report)
        self._end_processes()
        if machine.recorded(self.paths.before) is None:
            self._begin()
        self.write_configuration()
        with report.step("start a Docker engine of our own"):
            self._wait_until_it_answers(self._spawn())

    def stop(self, report: Reporter) -> list[str]:
        """End it and put the machine back; gives what differs from before all the same."""
        with report.step("stop the Docker engine"):
            self._end_processes()
            ours = machine.Ours(
                blocks=self._blocks(),
                folders=(self.paths.engine_data, self.paths.run),
                containers=tuple(_containers(self.paths.engine_data)),
            )
            left = machine.restore(self.paths.before, ours)
            if not left:
                shutil.rmtree(self.paths.run, ignore_errors=True)
        return left

    def started_before(self) -> bool:
        """Whether there is anything of it on the machine: a record, a process."""
        return machine.recorded(self.paths.before) is not None or bool(self._daemons())

    def _begin(self) -> None:
        """A fresh start; after a kill the addresses and the record of the machine stay instead."""
        shutil.rmtree(self.paths.run, ignore_errors=True)
        self.paths.run.mkdir(parents=True)
        machine.remember(self.paths.before)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        env = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}
        env["PATH"] = _SYSTEM_PATH
        self._clear_marks()
        with (self.paths.run / "dockerd.log").open("ab") as log:
            return subprocess.Popen(
                [_DOCKERD, "--config-file", str(self.paths.run / "daemon.json")],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def _clear_marks(self) -> None:
        """Marks of a killed daemon; it would take a dying containerd for one to work with."""
        containerd = self.paths.run / "exec" / "containerd"
        for mark in (
            self.paths.engine_pid,
            self.paths.socket,
            containerd / "containerd.pid",
            containerd / "containerd.sock",
        ):
            mark.unlink(missing_ok=True)

    def _wait_until_it_answers(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self.running():
            if process.poll() is not None or time.monotonic() > deadline:
                raise self._failure(process.returncode)
            time.sleep(0.2)

    def _failure(self, returncode: int | None) -> ClusterToolError:
        log = (self.paths.run / "dockerd.log").read_text(errors="replace")
        if "no space left on device" in log[-20000:]:
            return DiskFullError(f"the Docker engine found no space under {self.paths.engine_data}")
        return CommandError([_DOCKERD], -1 if returncode is None else returncode, log)

    def write_configuration(self) -> None:
        """For this start, with the addresses of the last one where there was one.

        Nothing in it points into the checkout: the engine outlives it.
        """
        bridge, pool = self._addresses() or free_blocks(machine.routes())
        settings = configuration(
            self.paths,
            bridge=bridge,
            pool=pool,
            runtime=None if self.host.sys_resource else self._install_runtime(),
        )
        _replace(self._configuration, json.dumps(settings, indent=1).encode(), 0o644)

    def _install_runtime(self) -> Path:
        """Copies the runtime's wrapper beside the engine's data; `/run` may forbid programs."""
        source = SOURCES / "node" / "runc-without-sys-resource"
        installed = self.paths.runtime
        installed.parent.mkdir(parents=True, exist_ok=True)
        _replace(installed, source.read_bytes(), 0o755)
        return installed

    @property
    def _configuration(self) -> Path:
        return self.paths.run / "daemon.json"

    def _addresses(self) -> tuple[str, str] | None:
        """Address of the bridge and block for further networks, as the last start was given."""
        try:
            settings = json.loads(self._configuration.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return settings["bip"], settings["default-address-pools"][0]["base"]

    def _blocks(self) -> list[ipaddress.IPv4Network]:
        """The addresses that this engine was given."""
        return [ipaddress.IPv4Network(one, strict=False) for one in self._addresses() or ()]

    def _stand_alone(self) -> None:
        """Two engines of one network take `docker0` and the firewall's rules from each other."""
        ours, network = self._daemons(), processes.network(os.getpid())
        others = processes.matching(
            lambda pid: (
                _is_engine(processes.command_line(pid))
                and pid not in ours
                and processes.network(pid) == network
            )
        )
        if others:
            raise BusyError(
                f"another Docker engine has this machine's network (process {others[0]}: "
                f"{processes.command_line(others[0])}). End it first; one of this tool ends by "
                "`make down` with the cache folder that it was started with"
            )

    def _daemons(self) -> list[int]:
        mark = str(self.paths.run)
        return processes.matching(
            lambda pid: (
                _is_engine(processes.command_line(pid)) and mark in processes.command_line(pid)
            )
        )

    def _end_processes(self) -> None:
        """The daemon first (it stops its containers), then what a killed one has left."""
        processes.end(self._daemons(), patience=_STOP_SECONDS)
        mark = f"{self.paths.run}/"
        ids = _containers(self.paths.engine_data)
        processes.end(
            processes.matching(
                lambda pid: (
                    mark in processes.command_line(pid)
                    and "containerd" in processes.command_line(pid).split(" ")[0]
                )
            ),
            patience=10,
        )
        processes.end(
            processes.matching(lambda pid: any(one in processes.cgroups(pid) for one in ids)),
            patience=0,
        )


def _replace(file: Path, content: bytes, mode: int) -> None:
    """Write `file` whole or not at all: a kill in between leaves the one before."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(content)
    draft.chmod(mode)
    draft.replace(file)


def _is_engine(line: str) -> bool:
    return line.split(" ", maxsplit=1)[0] == _DOCKERD


def _containers(data: Path) -> list[str]:
    folder = data / "containers"
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []


def free_blocks(routes: Iterable[str]) -> tuple[str, str]:
    """Address and mask of the default bridge, and the block for further networks.

    `routes` are the networks (CIDR) that this machine has routes to; none of ours overlaps one.
    """
    taken = [ipaddress.IPv4Network(route, strict=False) for route in routes]
    free = [block for block in _BLOCKS if not any(block.overlaps(one) for one in taken)]
    if len(free) < 2:
        raise ClusterToolError("no free addresses for containers between 10.198.0.0 and 10.219.0.0")
    return f"{free[0][1]}/24", str(free[1])


def configuration(
    paths: Paths, *, bridge: str, pool: str, runtime: Path | None
) -> dict[str, object]:
    """The daemon's settings; `runtime` replaces runc where root lacks CAP_SYS_RESOURCE."""
    settings: dict[str, object] = {
        "data-root": str(paths.engine_data),
        "exec-root": str(paths.run / "exec"),
        "pidfile": str(paths.engine_pid),
        "hosts": [f"unix://{paths.socket}"],
        "bip": bridge,
        "default-address-pools": [{"base": pool, "size": 24}],
        "deprecated-key-path": str(paths.run / "key.json"),
    }
    if runtime is not None:
        settings["oom-score-adjust"] = 0
        settings["runtimes"] = {"without-sys-resource": {"path": str(runtime)}}
        settings["default-runtime"] = "without-sys-resource"
    return settings
