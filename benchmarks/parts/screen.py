"""From the moment an orchestrator sets its custom status to the moment an open page of the dashboard has drawn it."""

import shutil
import time
from collections.abc import AsyncIterator, Mapping

import aiohttp
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as BrowserError

from benchmarks.bench import Bench
from benchmarks.flows import client, expect, ours
from benchmarks.hosts import on_sqlite
from benchmarks.table import Measure

PART, CASE, UNIT = "screen", "custom status: set to drawn", "ms"
PAGES: Mapping[str, str] = {"instance page": "instances/{}", "list of instances": "instances"}
TIMES = 30
PATIENCE = 10_000
"""Milliseconds within which a page shows a change, or counts as deaf."""
JSON = {"Content-Type": "application/json"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WATCH = r"""
() => {
  window.drawn = {};
  const look = () => requestAnimationFrame(() => {
    for (const [text] of document.body.textContent.matchAll(/1\d{9}\.\d+/g)) window.drawn[text] ??= Date.now();
  });
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
  look();
}
"""
"""Notes for every time of day in seconds that comes to stand on the page when it was drawn first."""
NEXT = "known => Object.entries(window.drawn).find(([text]) => Number(text) > known)"


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        yield Measure(PART, CASE, "fnhost, dashboard", UNIT, note="no Chromium on the PATH")
        return
    async with on_sqlite(bench) as site, client() as session, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        flow = ours(session, site)
        for number, (name, path) in enumerate(PAGES.items()):
            bench.say(f"screen: {name}")
            instance = f"told-{number}"
            async with session.post(f"{flow.url}/orchestrators/Tell/{instance}", json=str(TIMES)) as answer:
                expect(str(answer.status), "202")
            address = f"http://127.0.0.1:{site.server.port}/runtime/dashboard/{path.format(instance)}"
            page = await _opened(browser, address, instance)
            delays = await _delays(session, page, f"{flow.url}/instances/{instance}/raiseEvent/Tell")
            await page.close()
            yield Measure(PART, CASE, f"fnhost, {name}", UNIT, delays)


async def _opened(browser: Browser, address: str, instance: str) -> Page:
    page = await browser.new_page()
    page.set_default_timeout(PATIENCE)
    await page.goto(address)
    await page.get_by_text(instance).first.wait_for()
    await page.evaluate(WATCH)
    return page


async def _delays(session: aiohttp.ClientSession, page: Page, event: str) -> tuple[float, ...]:
    """One for each change. Raises TimeoutError of a page that does not show it."""
    delays, known = [], time.time()
    for _ in range(TIMES):
        async with session.post(event, data="null", headers=JSON) as answer:
            expect(str(answer.status), "202")
        try:
            text, drawn = await (await page.wait_for_function(NEXT, arg=known)).json_value()
        except BrowserError as error:
            raise TimeoutError(str(error)) from error
        known = float(text)
        delays.append(drawn - known * 1000)
    return tuple(delays)
