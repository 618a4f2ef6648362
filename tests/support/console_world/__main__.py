"""`python -m console_world`: docs/images/console*.png, of a real console in front of the simulator that waits for its push."""

import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page, expect

from console_world.console import ROOT, Console, built_page, running_console
from console_world.gateway import gateway_pod
from console_world.gateway_windows import BLUE, WINDOW, near
from console_world.person import chromium, colour, enter, state_is
from console_world.processes import until
from console_world.screen import PASSWORD
from sentinel_world import TOKEN

IMAGES: Final = ROOT / "docs" / "images"


def main() -> None:
    """Record them all."""
    folder = Path(tempfile.mkdtemp())
    (folder / "vnc").write_text(PASSWORD)
    (folder / "agent").write_text(TOKEN)
    static = built_page(folder)
    with gateway_pod(folder / "pod", approvalSeconds=180) as gateway, chromium() as browser:
        files = {
            "CONSOLE_SENTINEL_PORT": str(gateway.pod.ports["http"]),
            "CONSOLE_AGENT_TOKEN_FILE": str(folder / "agent"),
            "CONSOLE_VNC_PASSWORD_FILE": str(folder / "vnc"),
        }
        gateway.state("AwaitingApproval")
        with running_console(static, **files) as console, gateway.screen.served(console.vnc_port):
            record(browser, console, "console", width=1200, height=900, scheme="dark")
            record(browser, console, "console-phone", width=390, height=844, scheme="light")


def record(
    browser: Browser,
    console: Console,
    name: str,
    *,
    width: int,
    height: int,
    scheme: Literal["light", "dark"],
) -> None:
    """The page once the gateway's window is in it; on the wide one what may be asked for is open."""
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    ) as context:
        page: Page = context.new_page()
        page.goto(f"{console.url}/vnc.html?autoconnect=1&resize=scale")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        if width > 1000:
            page.get_by_text("What you may ask for, and what it costs").click()
            expect(page.locator("#offers [data-action=pause]")).to_be_enabled()
        until(lambda: near(colour(page, WINDOW), BLUE), "the gateway's window")
        page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
