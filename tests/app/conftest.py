"""Browser tests of the page: a server of its own on a free port, Debian's Chromium, and eyes on every request.

`open_page(query)` opens a link of the page and gives it back when the session is connected; at the end of the test no
request may have left the machine and no script may have failed. A test that takes `look` runs at two widths, light and dark.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
LOOKS = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
HERE = Path(__file__).parent
BROWSER = {"page", "open_page", "context", "browser"}
PATIENCE = 30_000  # ms: two tests share two cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and BROWSER & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
            if CHROMIUM is None:
                item.add_marker(
                    pytest.mark.skip(
                        reason="CHROMIUM IS MISSING, THE PAGE IS NOT TESTED: apt-get install chromium"
                    )
                )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def look(request: pytest.FixtureRequest) -> tuple[int, str]:
    return request.param


@pytest.fixture
def browser_context_args(browser_context_args: dict, request: pytest.FixtureRequest) -> dict:
    chosen = request.getfixturevalue("look") if "look" in request.fixturenames else (1280, "light")
    width, scheme = chosen
    size = {"width": width, "height": 844 if width < 800 else 900}
    return {**browser_context_args, "viewport": size, "color_scheme": scheme, "has_touch": width < 800}


class Server:
    """`spasmlab app` in a process of its own."""

    def __init__(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "spasmlab", "app", "--port", str(port)]
        environment = {**os.environ, "NUMBA_NUM_THREADS": "1"}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        assert "http://" in said, said + self.process.stderr.read()
        self.address = "http://" + said.split("http://")[1].split()[0]

    @property
    def port(self) -> int:
        return int(urlsplit(self.address).port or 0)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.stop()


@pytest.fixture
def watched() -> Callable:
    """Watch a page: what it asked for, and what its scripts complained of."""

    def watch(page) -> tuple[list[str], list[str]]:
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.on("pageerror", lambda problem: wrong.append(str(problem)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        return asked, wrong

    return watch


@pytest.fixture
def open_page(page, server: Server, watched) -> Iterator[Callable]:
    """Open ``/?QUERY`` and wait until the session is connected and the kernels are ready."""
    from playwright.sync_api import expect

    asked, wrong = watched(page)
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)

    def go(query: str = ""):
        page.goto(f"{server.address}/?{query}")
        page.locator("#ready").wait_for(state="hidden")
        return page

    yield go
    assert leaving(asked) == []
    assert wrong == []


def leaving(asked: list[str]) -> list[str]:
    """The requests that went to another machine."""
    parts = [urlsplit(address) for address in asked]
    return [p.geturl() for p in parts if p.scheme not in {"data", "blob"} and p.hostname != "127.0.0.1"]


@pytest.fixture
def accessible() -> Callable:
    """Run axe on a page: no violation that it calls serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    def run(page) -> None:
        found = Axe().run(page).response["violations"]
        bad = [
            f"{v['id']}: {v['help']}: {[n['html'][:120] for n in v['nodes'][:3]]}"
            for v in found
            if v["impact"] in {"serious", "critical"}
        ]
        assert bad == []

    return run


def no_sideways_scroll(page) -> bool:
    """Whether the page fits its width."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
