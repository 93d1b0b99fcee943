"""A real browser, and pages in it that remember all they said and asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="neither chromium nor google-chrome is installed")
# Nothing of the browser's own asks the network while it looks at a file.
_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@contextmanager
def started() -> Iterator[Browser]:
    """A browser, as long as the block lasts."""
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root, which containers usually are.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=_ARGUMENTS, chromium_sandbox=False
        )
        yield browser
        browser.close()


class Opened:
    """A page, and all it said or asked for.

    Args:
        address: Of a file.
        context: How it is looked at: width, script, motion.
    """

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.address = address
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page: Page = browser.new_context(**context).new_page()
        self.page.on("console", lambda m: self.said.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.said.append(f"error: {e}"))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(address)

    def run(self, script: str, argument: Any = None) -> Any:
        """What a script answers."""
        return self.page.evaluate(script, argument)

    def hindrances(self) -> list[tuple[str, list[Any]]]:
        """What keeps somebody from reading it, by the rules of axe: each rule, and where it is broken."""
        found = Axe().run(self.page, options={"runOnly": _RULES, "resultTypes": ["violations"]})
        return [(v["id"], [n["target"] for n in v["nodes"][:3]]) for v in found.response["violations"]]

    def close(self) -> None:
        """Close the page."""
        self.page.context.close()
