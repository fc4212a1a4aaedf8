"""A real browser before the practice room's page: one Chromium for a module, and somebody to type into it."""

import asyncio
import shutil
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, FileChooser, Locator, Page, async_playwright, expect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_CHROMIUM = "needs Chromium (Debian: apt install chromium)"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
REACH = 150
"""More controls than a page of these tests has."""
PATIENCE = 25_000
"""Milliseconds; a machine of two busy cores is slow."""
WIDE = {"width": 1280, "height": 800}
BROWSER = {"viewport": WIDE, "accept_downloads": True, "timezone_id": "UTC", "locale": "en-GB"}
"""A window is the same wherever the tests run."""

expect.set_options(timeout=PATIENCE)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without any of this machine's settings."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visitor:
    """One window, and what it complained of and asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    choosers: list[FileChooser] = field(default_factory=list)
    """The pickers that were opened; listened for from the start, because the browser is told only in passing."""

    def strangers(self) -> list[str]:
        """What it asked of anybody but this machine."""
        return [url for url in self.asked if urllib.parse.urlsplit(url).hostname not in ("127.0.0.1", None)]

    # --- what one sees -----------------------------------------------------------------------------------------------

    @property
    def log(self) -> Locator:
        """The messages."""
        return self.page.get_by_role("log")

    @property
    def messages(self) -> Locator:
        """Each of them."""
        return self.page.locator(".message")

    @property
    def pictures(self) -> Locator:
        """The pictures that are shown."""
        return self.page.locator(".message .picture img")

    @property
    def line(self) -> Locator:
        """The message box."""
        return self.page.locator("#line")

    @property
    def entries(self) -> Locator:
        """What the open list of the composer offers."""
        return self.page.locator("#suggestions [role=option]")

    def option(self, name: str) -> Locator:
        """The field of an option in the composer."""
        return self.page.locator("#chips").get_by_label(name, exact=True)

    def button(self, name: str) -> Locator:
        """A button under a message, by its whole label; the newest one."""
        return self.log.get_by_role("button", name=name, exact=True).last

    # --- what one does -----------------------------------------------------------------------------------------------

    async def say(self, line: str) -> None:
        """Type a whole line and press Enter."""
        await self.line.fill(line)
        await self.line.press("Enter")

    async def paste(self, line: str) -> None:
        """Paste a whole line into the message box, as a browser tells a page of it."""
        await self.line.evaluate(
            """(node, text) => {
                node.focus();
                node.value = text;
                node.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste", bubbles: true }));
            }""",
            line,
        )

    async def drawn(self, n: int) -> None:
        """Wait until there are exactly *n* pictures."""
        await self.pictures.nth(n - 1).wait_for()
        await expect(self.pictures).to_have_count(n)

    async def become(self, name: str) -> None:
        """Be somebody else."""
        await self.page.get_by_label("You are:").select_option(label=name)

    async def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def tab_to(self, what: Locator, key: str = "Tab") -> None:
        """Go to something as one does without a mouse; that it can be reached is part of what is tested."""
        await what.wait_for()
        for _ in range(REACH):
            if await self.is_focused(what):
                return
            await self.press(key)
        raise AssertionError(f"{key} does not reach {what}")

    async def type(self, text: str) -> None:
        """Type, wherever the focus is."""
        await self.page.keyboard.type(text)

    async def focused(self) -> str:
        """The name of what has the focus: its label, its words, or its id."""
        name: str = await self.page.evaluate(
            "() => { const e = document.activeElement;"
            " return e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || e.id; }"
        )
        return name

    async def is_focused(self, what: Locator) -> bool:
        """Whether something has the focus."""
        found: bool = await what.evaluate("node => node === document.activeElement")
        return found


@asynccontextmanager
async def visiting(browser: Browser, address: str, **options: Any) -> AsyncIterator[Visitor]:
    """A new window on the room, once it shows the bot as connected."""
    context = await browser.new_context(**{**BROWSER, **options})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    visitor = Visitor(page)
    page.on("console", lambda message: visitor.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: visitor.complaints.append(f"{error}"))
    page.on("filechooser", lambda chooser: visitor.choosers.append(chooser))
    page.on("request", lambda request: visitor.asked.append(request.url))
    try:
        await page.goto(address)
        await expect(page.locator("#tour li")).to_have_count(5)
        await expect(page.locator("#servers [data-place]")).not_to_have_count(0)
        yield visitor
    finally:
        await context.close()


async def until(true: Any, within: float = 20.0) -> None:
    """Wait until something of this process holds."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.02)
