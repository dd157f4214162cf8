"""How long the page takes from a move of the dose slider until all eight panels are painted.

    python benchmarks/app_latency.py [--moves 40] [--sessions 10]

Starts `spasmlab app` on a free port. First one session in Debian's Chromium moves its slider, each move after the last has
been painted; the clock runs in the page, from the input event to the frame after the charts are drawn. Then as many
sessions as asked move theirs at once, with the pause of a hand between moves: one in the browser, the others on their
sockets alone, as from browsers on other machines; their clock ends when the numbers and curves have arrived. Whatever else
runs on the machine is in these times; the server's own processor time for a move, printed too, does not depend on it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAUSE_S = 0.3  # between two moves of a hand
MOVE = """(dose) => new Promise((done) => {
  const slider = document.getElementById("explore_dose"), begun = performance.now();
  const heard = (event) => {
    if (event.detail.regimen !== `${dose} mg tid`) return;
    document.removeEventListener("spasmlab-explored", heard);
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun), 0));
  };
  document.addEventListener("spasmlab-explored", heard);
  slider.value = dose;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""


def dose_of(move: int, first: int) -> int:
    """The dose of a move; `first` shifts them, so that sessions differ."""
    return 100 + 25 * ((7 * move + first) % 56)


async def opened(browser, address: str):
    """A page of its own session, connected and with its first answer."""
    page = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
    await page.goto(address)
    await page.locator("#ready").wait_for(state="hidden")
    await page.locator("#explore_command", has_text="spasmlab run").wait_for()
    return page


async def in_browser(page, count: int, pause_s: float, first: int) -> list[float]:
    """Milliseconds of each of `count` moves in a page."""
    took = []
    for move in range(count):
        took.append(await page.evaluate(MOVE, dose_of(move, first)))
        await asyncio.sleep(pause_s)
    return took


async def on_socket(address: str, count: int, pause_s: float, first: int) -> list[float]:
    """Milliseconds of each of `count` moves of a session that has a socket and no browser."""
    import websockets

    place = address.replace("http", "ws") + "/websocket/"
    begin = {"tab": "explore", "explore_dose": 600, ".clientdata_url_search": ""}
    took = []
    async with websockets.connect(place, max_size=None, open_timeout=60) as socket:
        await socket.send(json.dumps({"method": "init", "data": begin}))
        await _told(socket, "600 mg tid")
        for move in range(count):
            dose, begun = dose_of(move, first), time.perf_counter()
            await socket.send(json.dumps({"method": "update", "data": {"explore_dose": dose}}))
            await _told(socket, f"{dose} mg tid")
            took.append(1000 * (time.perf_counter() - begun))
            await asyncio.sleep(pause_s)
    return took


async def _told(socket, regimen: str) -> None:
    """Wait for the panels of a regimen."""
    async for text in socket:
        custom = json.loads(text).get("custom", {})
        if custom.get("spasmlab-explore", {}).get("regimen") == regimen:
            return


def spent_ms(pid: int) -> float:
    """Processor time of a process so far, where the system tells it; else 0."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(
    address: str, pid: int, count: int, sessions: int
) -> tuple[list[float], list[float], float]:
    """Times of one session alone, of all of them at once, and the server's processor time for a move."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = await opened(browser, address)
        await in_browser(page, 5, 0, 0)
        before = spent_ms(pid)
        alone = await in_browser(page, count, 0, 3)
        each_move = (spent_ms(pid) - before) / count
        others = (on_socket(address, count, PAUSE_S, 11 * i) for i in range(1, sessions))
        each = await asyncio.gather(in_browser(page, count, PAUSE_S, 0), *others)
        await browser.close()
    return alone, [ms for times in each for ms in times], each_move


def main() -> int:
    """Print the figures; exit code 1 where they miss what is asked of the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--sessions", type=int, default=10)
    asked = parser.parse_args()
    command = [sys.executable, "-m", "spasmlab", "app", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    address = "http://" + server.stderr.readline().split("http://")[1].split()[0]
    try:
        alone, together, each_move = asyncio.run(measure(address, server.pid, asked.moves, asked.sessions))
    finally:
        server.terminate()
        server.wait()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} over the last minute, {asked.moves} moves a session")
    for name, times in (("one session", alone), (f"{asked.sessions} sessions at once", together)):
        median, high = np.percentile(times, [50, 95])
        print(
            f"{name:>22}: median {median:.0f} ms, 95th percentile {high:.0f} ms, longest {max(times):.0f} ms"
        )
    print(f"   the server's own time: {each_move:.0f} ms of processor for a move")
    return int(np.median(alone) >= 100 or np.percentile(together, 95) >= 1000)


if __name__ == "__main__":
    sys.exit(main())
