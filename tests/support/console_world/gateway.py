"""A whole gateway behind the console: sentinel, wrapper, simulated Gateway and IBKR, in a loop of their own.

Playwright's pages are driven from a thread without a loop; the pod needs one.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from console_world.processes import PATIENCE, until
from console_world.screen import Screen
from sentinel_world import PodOnHost, pod_on_host

ResultT = TypeVar("ResultT")


@dataclass
class GatewayPod:
    """The pod, asked from a test that has no loop."""

    pod: PodOnHost
    loop: asyncio.AbstractEventLoop

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(2 * PATIENCE)

    def state(self, name: str) -> None:
        """Wait for a login state."""
        self.run(self.pod.state(name))

    def pushes(self) -> list[str]:
        return self.pod.pushes()

    @property
    def screen(self) -> Screen:
        """The simulated Gateway's windows, once its X server is up."""
        socket = Path(f"/tmp/.X11-unix/X{self.pod.display}")
        until(socket.exists, "the gateway's display")
        return Screen(f":{self.pod.display}", self.pod.folder / "events")


@contextmanager
def gateway_pod(folder: Path, **more: Any) -> Iterator[GatewayPod]:
    """One that runs until the test ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    world = pod_on_host(folder, **more)
    made = GatewayPod(asyncio.run_coroutine_threadsafe(world.__aenter__(), loop).result(60), loop)
    try:
        yield made
    finally:
        made.run(world.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
