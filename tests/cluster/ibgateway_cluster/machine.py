"""Looks at the machine's network state and puts it back. The effects around snapshot.py."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster import snapshot
from ibgateway_cluster.command import run, succeeds
from ibgateway_cluster.errors import CommandError
from ibgateway_cluster.snapshot import Block, MachineSnapshot

_SYSCTL = Path("/proc/sys")
_CGROUP = Path("/sys/fs/cgroup")
# What Docker, the kubelet and kube-proxy set on the host when they may.
_SYSCTLS = (
    "fs/inotify/max_user_instances",
    "fs/inotify/max_user_watches",
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/bridge/bridge-nf-call-ip6tables",
    "net/bridge/bridge-nf-call-iptables",
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/default/forwarding",
    "net/netfilter/nf_conntrack_max",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
_RULES = ("iptables", "ip6tables")
_SBIN = "/usr/sbin"
_SETTLE_SECONDS = 10


def look() -> MachineSnapshot:
    """The machine as it is now."""
    return MachineSnapshot(
        boot=_boot(),
        links=tuple(sorted(_links())),
        rules={command: _saved(command) for command in _RULES},
        sysctls={
            name: (_SYSCTL / name).read_text().strip()
            for name in _SYSCTLS
            if (_SYSCTL / name).exists()
        },
        cgroups=tuple(sorted(str(path) for path in _container_groups())),
    )


def remember(place: Path) -> None:
    """Record the machine at `place`, unless a record of this boot is there (a run was killed)."""
    if recorded(place) is not None:
        return
    part = place.with_suffix(".part")
    part.write_text(json.dumps(look().document(), indent=1))
    part.rename(place)


@dataclass(frozen=True)
class Ours:
    """What tells an engine's leavings from other people's: addresses, folders, container ids."""

    blocks: Sequence[Block]
    folders: Sequence[Path]
    containers: Sequence[str]


def restore(place: Path, ours: Ours) -> list[str]:
    """Undo what an engine of ours left; gives what still differs, one line each."""
    before = recorded(place)
    if before is None:
        return []
    _unmount(ours.folders)
    bridges = _bridges(before, ours.blocks)
    for command in _RULES:
        calls = snapshot.undo_rules(
            before.rules.get(command, ""), _saved(command), links=bridges, blocks=ours.blocks
        )
        for arguments in calls:
            run([f"{_SBIN}/{command}", "-w", *arguments])
    members = [member for bridge in bridges for member in _links("master", bridge)]
    for name in (*members, *bridges):
        run([f"{_SBIN}/ip", "link", "delete", name])
    for name in _orphans(before):
        run([f"{_SBIN}/ip", "link", "delete", name])
    _drop_groups(before, ours.containers)
    for name, value in before.sysctls.items():
        _set_sysctl(name, value)
    return _settled(before, ours)


def _settled(before: MachineSnapshot, ours: Ours) -> list[str]:
    """What is left once the kernel has done its part: a dead container's network goes a bit later."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while (left := _left(before, ours)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _left(before: MachineSnapshot, ours: Ours) -> list[str]:
    links = _bridges(before, ours.blocks) + _orphans(before)
    left = snapshot.leftovers(before, look(), links=links, blocks=ours.blocks)
    return left + [f"mount {place}" for place in _mounts_under(ours.folders)]


def routes() -> list[str]:
    """Networks that this machine has routes to, as CIDR."""
    first = [line.split()[0] for line in run([f"{_SBIN}/ip", "-4", "route"]).splitlines() if line]
    return [word for word in first if word[0].isdigit()]


def raise_sysctl(name: str, least: int) -> None:
    """Make sure that a numeric setting is at least `least`; `restore` puts it back."""
    if int((_SYSCTL / name).read_text()) < least:
        _set_sysctl(name, str(least))


def recorded(place: Path) -> MachineSnapshot | None:
    """What `remember` wrote at `place` since the machine started, None if nothing."""
    try:
        found = snapshot.from_document(json.loads(place.read_text()))
    except FileNotFoundError:
        return None
    return found if found.boot == _boot() else None


def _boot() -> str:
    return (_SYSCTL / "kernel/random/boot_id").read_text().strip()


def _saved(command: str) -> str:
    path = f"{_SBIN}/{command}-save"
    return run([path]) if os.access(path, os.X_OK) else ""


def _mounts() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines]


def _container_groups() -> list[Path]:
    """Docker's parent groups: one a controller (cgroup v1) or one at all (v2)."""
    return [path for path in (*_CGROUP.glob("docker"), *_CGROUP.glob("*/docker")) if path.is_dir()]


def _bridges(before: MachineSnapshot, blocks: Sequence[Block]) -> list[str]:
    """New bridges that have an address of ours."""
    addresses = snapshot.addresses(run([f"{_SBIN}/ip", "-o", "-4", "address", "show"]))
    return [
        name
        for name in _links("type", "bridge")
        if name not in before.links and snapshot.inside(addresses.get(name, ""), blocks)
    ]


def _orphans(before: MachineSnapshot) -> list[str]:
    return snapshot.orphans(before, _links("type", "veth"), attached=_attached())


def _attached() -> list[str]:
    """Interfaces that belong to some bridge."""
    bridges = _links("type", "bridge")
    return [member for bridge in bridges for member in _links("master", bridge)]


def _links(*kind: str) -> list[str]:
    """Interfaces of our network namespace (/sys may show another one's)."""
    ip = f"{_SBIN}/ip"
    lines = run([ip, "-o", "link", "show", *kind]).splitlines() if os.access(ip, os.X_OK) else []
    return [line.split()[1].rstrip(":").partition("@")[0] for line in lines]


def _mounts_under(folders: Sequence[Path]) -> list[str]:
    """Mount points in our folders, the inner ones first."""
    found = [place for place in _mounts() if any(Path(place).is_relative_to(f) for f in folders)]
    return sorted(found, reverse=True)


def _unmount(folders: Sequence[Path]) -> None:
    for place in _mounts_under(folders):
        if not succeeds(["umount", place]):
            run(["umount", "--lazy", place])


def _drop_groups(before: MachineSnapshot, containers: Sequence[str]) -> None:
    """Docker's parent groups if they are new, else only those of our containers."""
    for top in _container_groups():
        if str(top) not in before.cgroups:
            _drop_tree(top)
        for container in containers:
            _drop_tree(top / container)


def _drop_tree(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        _drop_group(Path(folder))


def _drop_group(folder: Path) -> None:
    """The kernel needs a moment until a group whose processes have ended is free."""
    for _ in range(50):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return


def _set_sysctl(name: str, value: str) -> None:
    place = _SYSCTL / name
    try:
        if place.exists() and place.read_text().strip() != value:
            place.write_text(value)
    except PermissionError as error:
        raise CommandError(["sysctl", f"{name}={value}"], 1, str(error)) from error
