"""`python -m ibgateway_simulator ibkr`, `gateway` or `ask`: the environment says the rest."""

import asyncio
import logging
import os
import signal
import sys

from ibgateway_simulator.ask import ask
from ibgateway_simulator.errors import SimulatorSettingsError
from ibgateway_simulator.ibkr.server import serve
from ibgateway_simulator.ibkr.settings import ibkr_settings


async def _ibkr() -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(ibkr_settings(os.environ), stop)
    return 0


def main(arguments: list[str]) -> int:
    """Run one program; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        match arguments:
            case ["ibkr"]:
                return asyncio.run(_ibkr())
            case ["ask", *rest]:
                return ask(rest, ibkr_settings(os.environ).port)
            case ["gateway", *rest]:
                # Tk is only there where a gateway runs.
                from ibgateway_simulator.gateway.process import main as gateway  # noqa: PLC0415

                return gateway(rest)
    except SimulatorSettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.write("usage: python -m ibgateway_simulator ibkr|gateway|ask\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
