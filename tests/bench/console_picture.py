"""How long a person waits for the gateway's picture: from opening the page, password in hand, to its first pixels.

Chromium with an empty profile each time, the console as a process, x11vnc and a real window on a virtual screen, all on this
machine. The bridge adds what a port-forward does not: nothing between the browser and the console is measured here.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Final

import click
from playwright.sync_api import Browser, Page

from bench_page import Figure, Measured, save
from console_world.console import Console, built_page, running_console
from console_world.person import chromium
from console_world.screen import BLUE, GROUND, PASSWORD, screen_with_window

LIMIT: Final = 2.0
METHOD: Final = (
    "Chromium with an empty cache, the console as a process, x11vnc and a window on a virtual screen, on the same cores. The clock"
    " starts with the navigation; the password is typed by the page's script the moment it is asked for, so that no person's time is in it."
)
WATCH: Final = """([x, y, red, green, blue]) => new Promise(done => {
  const look = () => {
    const canvas = document.querySelector("#screen canvas");
    if (canvas && canvas.width > x) {
      const seen = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
      if (seen[0] === red && seen[1] === green && seen[2] === blue) return done(performance.now() / 1000);
    }
    requestAnimationFrame(look);
  };
  look();
})"""
ASKED: Final = """() => new Promise(done => {
  const look = () => document.querySelector("#ask").hidden ? requestAnimationFrame(look) : done(performance.now() / 1000);
  look();
})"""
ANSWER: Final = """password => {
  document.querySelector("#ask-secret").value = password;
  document.querySelector("#ask").requestSubmit();
}"""


@click.command()
@click.option("--runs", default=20, show_default=True, help="How often the page is opened.")
@click.option("--save", "keep", is_flag=True, help="Keep the figures for docs/performance.md.")
def main(runs: int, keep: bool) -> None:
    """Print the times, and exit with 1 where the 95th percentile is above two seconds."""
    folder = Path(tempfile.mkdtemp())
    static = built_page(folder)
    asked, pictures = [], []
    with (
        screen_with_window(folder) as screen,
        running_console(static) as console,
        screen.served(console.vnc_port),
        chromium() as browser,
    ):
        for _ in range(runs):
            first, second = _opened(browser, console)
            asked.append(first)
            pictures.append(second)
    measured = _measured(asked, pictures)
    for figure in measured.figures:
        click.echo(f"{figure.what}: {figure.value:.2f} s ({figure.beside})")
    if keep:
        save("console", measured)
    raise SystemExit(0 if all(figure.met is not False for figure in measured.figures) else 1)


def _opened(browser: Browser, console: Console) -> tuple[float, float]:
    """Seconds from the navigation to the question for the password, and to the picture."""
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        page: Page = context.new_page()
        page.goto(f"{console.url}/vnc.html?autoconnect=1&resize=scale")
        asked: float = page.evaluate(ASKED)
        page.evaluate(ANSWER, PASSWORD)
        picture: float = page.evaluate(WATCH, [*GROUND, *BLUE])
        return asked, picture


def _measured(asked: list[float], pictures: list[float]) -> Measured:
    return Measured(
        title="The console's first picture",
        command="tests/bench/console_picture.py --save",
        method=METHOD,
        figures=(
            _figure("the password is asked for, p95", asked, None),
            _figure("first picture, p95", pictures, LIMIT),
        ),
    )


def _figure(what: str, seconds: list[float], aim: float | None) -> Figure:
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    beside = (
        f"p50 {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s, {len(seconds)} runs"
    )
    return Figure(what=what, value=p95, unit="s", aim=aim, beside=beside)


if __name__ == "__main__":
    main()
