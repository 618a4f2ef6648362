"""What happens to a gateway's pod, as the kernel, the kubelet and the node do it."""

import asyncio
import contextlib
import os
import shutil
import signal

import psutil

from sentinel_world import PodOnHost


def kill_gateway(pod: PodOnHost) -> None:
    """The kernel is out of memory and takes the largest process of the container: IB Gateway itself."""
    jvms = [
        process
        for process in psutil.process_iter(["cmdline"])
        if _is_gateway(process) and os.getpgid(process.pid) == pod.container
    ]
    (jvm,) = jvms
    jvm.send_signal(signal.SIGKILL)


def _is_gateway(process: psutil.Process) -> bool:
    words = process.info["cmdline"] or []
    return "ibgateway_simulator" in words and "gateway" in words


async def driver_says(pod: PodOnHost, command: str) -> None:
    """A command to IBC, given by somebody else than the sentinel."""
    _, writer = await asyncio.open_connection("127.0.0.1", pod.ports["command"])
    writer.write(f"{command}\n".encode())
    await writer.drain()
    writer.close()


async def reboot(pod: PodOnHost) -> None:
    """Everything is killed at once; the same pod comes up, with its volume and its run directory."""
    pod.kill_container()
    await pod.crash_sentinel()
    await pod.start_sentinel()


async def evict(pod: PodOnHost, *, volume: bool = True) -> None:
    """The pod ends as the kubelet ends it, and another one comes: with the volume, or without what was on it."""
    assert await pod.prestop() == 0
    with contextlib.suppress(ProcessLookupError):  # its hook has asked it to end already
        os.kill(pod.container, signal.SIGTERM)
    await pod.ended()
    await pod.end_sentinel()
    for name in ("run", *(() if volume else ("state", "settings"))):
        shutil.rmtree(pod.folder / name)
        (pod.folder / name).mkdir()
    pod.stays_down = False
    await pod.start_sentinel()
    pod.start_kubelet()
