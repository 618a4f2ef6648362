"""`python -m scale_world FOLDER PROGRAMS ARCH`: kubelet, sentinels and consoles, and a small door for the run."""

import asyncio
import sys
from pathlib import Path
from typing import Final

from aiohttp import web

from ibgateway_api.names import Key
from scale_world.client import Api
from scale_world.kubelet import Kubelet
from scale_world.plane import ControlPlane
from scale_world.sentinels import Sentinels

PORT: Final = 9999


class Door:
    """What the run asks and tells the world."""

    def __init__(self, sentinels: Sentinels, kubelet: Kubelet) -> None:
        self._sentinels = sentinels
        self._kubelet = kubelet

    async def state(self, request: web.Request) -> web.Response:
        """Counts: gateways, who was asked since the last reset, who is listened to, gates."""
        logins = self._sentinels.logins.values()
        gates = list(self._kubelet.gates.values())
        return web.json_response(
            {
                "gateways": len(logins),
                "asked": sum(1 for login in logins if login.asked_at),
                "heard": sum(1 for login in logins if login.polls),
                "open": gates.count("True"),
                "closed": gates.count("False"),
                "closedSinceReset": len(self._kubelet.closed),
            }
        )

    async def reset(self, request: web.Request) -> web.Response:
        """Count anew."""
        self._sentinels.forget_questions()
        self._kubelet.closed.clear()
        return web.json_response({})

    async def turn(self, request: web.Request) -> web.Response:
        """One gateway logs out, or in again: seconds until its gate has followed, and each program; null where one did not."""
        key = Key(request.query["namespace"], request.query["name"])
        loop = asyncio.get_running_loop()
        followed: asyncio.Future[float] = loop.create_future()
        login, begun = self._sentinels.logins[key], loop.time()
        wanted = "False" if login.state == "LoggedIn" else "True"
        self._kubelet.waiting[key] = (wanted, followed)
        places = [place for place, (of, _) in self._kubelet.programs.items() if of == key]
        told = {place: loop.create_future() for place in places}
        self._kubelet.programs_waiting |= {place: (wanted, one) for place, one in told.items()}
        login.turn()
        try:
            ends = await asyncio.wait_for(asyncio.gather(followed, *told.values()), 60)
        except TimeoutError:
            return web.json_response({"seconds": None, "programs": []})
        first, *others = (end - begun for end in ends)
        return web.json_response({"seconds": first, "programs": others})


async def run(plane: ControlPlane) -> None:
    """For ever."""
    api, sentinels = Api(plane, "world"), Sentinels()
    kubelet = Kubelet(api, sentinels)
    door, site = Door(sentinels, kubelet), web.Application()
    site.add_routes(
        [
            web.get("/state", door.state),
            web.post("/reset", door.reset),
            web.post("/turn", door.turn),
        ]
    )
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", PORT).start()
    await asyncio.gather(sentinels.serve(), kubelet.run())


if __name__ == "__main__":
    folder, programs, arch = sys.argv[1:]
    asyncio.run(run(ControlPlane(Path(folder), Path(programs), arch)))
