"""The executor's page about its own API, as a person reads it: in a real Chromium, from a running executor."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Response, async_playwright, expect

from console_world.person import CHROMIUM, FLAGS
from console_world.processes import listens, until
from executor_world import world

pytestmark = pytest.mark.browser


async def opened(page: Page, url: str) -> tuple[Response, list[str], list[str]]:
    """What was answered, every address that was asked for, and what the browser complained of."""
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    answer = await page.goto(url)
    assert answer is not None
    return answer, asked, complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_drawn_whole_and_fetches_nothing(tmp_path: Path, scheme: str) -> None:
    async with world(tmp_path) as w, async_playwright() as playwright:
        await w.executor.start()
        port = urlsplit(w.orders.url).port or 0
        await asyncio.to_thread(until, lambda: listens(port), "the intake")
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = await browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
        url = f"{w.orders.url}/docs"
        answer, asked, complaints = await opened(page, url)
        assert answer.status == 200
        assert (asked, complaints) == ([url], [])
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        await expect(page.locator("body")).to_contain_text("POST /v1/orders")
        styled = "getComputedStyle(document.body).fontFamily"
        plain = "getComputedStyle(document.createElement('body')).fontFamily"
        assert await page.evaluate(styled) != await page.evaluate(plain)
        assert await page.locator("script").count() == 0
        await page.set_viewport_size({"width": 390, "height": 844})
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert await page.evaluate(wide)
        await page.screenshot(path=tmp_path / "docs.png")
        await browser.close()
