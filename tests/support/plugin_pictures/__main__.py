"""`python -m plugin_pictures` writes docs/images/rebalance-dry-run.svg and orders.svg."""

import asyncio
import io
import re
import tempfile
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from executor_plugin import wired
from executor_world import CLIENT_TOKEN, ExecutorWorld, open_world

IMAGES: Final = Path(__file__).parents[3] / "docs" / "images"
ACCOUNT: Final = "DU1234567"
TARGETS: Final = "targets:\n  AAPL: 0.5\n  BND: 0.3\n  GLD: 0.1\ncashReservePercent: 2\n"
FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Without fonts from elsewhere: a page loads nothing from outside."""


async def pictures() -> None:
    """Trade a little on the simulator, and record what the two commands show."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(Path(folder)) as here:
            await prepare(here)
            file = Path(folder) / "targets.yaml"
            file.write_text(TARGETS)
            dry = "kubectl ibgateway rebalance targets.yaml --dry-run"
            words = ["rebalance", str(file), "--dry-run"]
            await record(here, "rebalance-dry-run", dry, words, width=88)
            await record(here, "orders", "kubectl ibgateway orders", ["orders"], width=150)


async def prepare(here: ExecutorWorld) -> None:
    """An account with something in it, and orders of several states."""
    held = {
        "MSFT": {"quantity": 60, "average_cost": 420},
        "BND": {"quantity": 400, "average_cost": 73},
    }
    body = {"cash": {"USD": "45000"}, "positions": held}
    await here.ibkr.send("PATCH", f"/v1/accounts/{ACCOUNT}", body)
    _, bought = await here.place("k1", quantity=20)
    await here.reaches(bought["id"], "Filled")
    _, resting = await here.place(
        "k2", contract={"symbol": "BND"}, side="SELL", orderType="LMT", limitPrice="80", quantity=50
    )
    await here.reaches(resting["id"], "Working")
    _, later = await here.place(
        "k3",
        contract={"symbol": "GLD"},
        notBefore="2099-01-04T14:30:00Z",
        validUntil="2099-01-04T20:00:00Z",
    )
    await here.waits_for(later["id"], "NotBefore")
    _, unknown = await here.place("k4", contract={"symbol": "NOPE"})
    await here.reaches(unknown["id"], "Rejected")


async def record(
    here: ExecutorWorld, name: str, title: str, words: list[str], *, width: int
) -> None:
    """One command's output as a picture."""
    console = Console(
        record=True,
        width=width,
        file=io.StringIO(),
        force_terminal=True,
        force_interactive=False,
        color_system="truecolor",
    )
    console.print(f"$ {title}", highlight=False, style="bold")
    plugin = wired(here.executor.port, CLIENT_TOKEN, recorded=console)
    shown = await asyncio.to_thread(plugin.run, *words)
    if shown.code:
        raise SystemExit(f"{title} ended with {shown.code}")
    svg = console.export_svg(title=title, code_format=FORMAT, unique_id=name)
    lines = (line.rstrip() for line in svg.splitlines() if "<!--" not in line)
    (IMAGES / f"{name}.svg").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(pictures())
