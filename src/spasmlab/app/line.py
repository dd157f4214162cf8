"""The line of one session (a websocket): how fast it is read, and how much may wait for a page that does not read.

All sessions share one loop and one reactive lock, which is held while a session's outputs are sent. So a page that sends
without end is read no faster than `RATE`, and sending never waits for a page: what it has not read yet waits in the line,
and where that is more than `MOST_WAITING` the session ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

RATE, BURST = 100.0, 300.0  # messages a second in the long run, and at once
MOST_WAITING = 20_000_000  # characters
LAST_SECONDS = 2.0  # for what still waits when a session ends
GONE = {"type": "websocket.disconnect", "code": 1008}


async def carry(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Run an ASGI program for one websocket, each way through its line."""
    waiting = Waiting(send)
    try:
        await app(scope, paced(receive, waiting.full), waiting.put)
    finally:
        await waiting.end()


class Waiting:
    """Messages on their way to a page; `full` is set where too much waits."""

    def __init__(self, send: Any) -> None:
        self.full = asyncio.Event()
        self._send, self._size = send, 0
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._pump = asyncio.create_task(self._carry())

    async def put(self, message: Any) -> None:
        """Send without waiting; nothing more is taken once the line is full or the page is gone."""
        if self.full.is_set():
            return
        self._size += _size(message)
        self._queue.put_nowait(message)
        if self._size > MOST_WAITING:
            self.full.set()

    async def end(self) -> None:
        """Give what still waits a moment, then stop."""
        if not self._pump.done():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._queue.join(), 0 if self.full.is_set() else LAST_SECONDS)
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)

    async def _carry(self) -> None:
        try:
            while True:
                message = await self._queue.get()
                await self._send(message)
                self._size -= _size(message)
                self._queue.task_done()
        except Exception:
            self.full.set()  # the page is gone: whoever reads from it is told so


def paced(receive: Any, full: asyncio.Event) -> Any:
    """`receive`, held back where more comes than `RATE` after a `BURST`; a disconnect once the line is full."""
    left, seen = BURST, time.monotonic()

    async def receiving() -> Any:
        nonlocal left, seen
        message = await _first(receive, full)
        now = time.monotonic()
        left, seen = min(BURST, left + RATE * (now - seen)) - 1, now
        if left < 0 and message["type"] == "websocket.receive":
            await asyncio.sleep(-left / RATE)
        return message

    return receiving


async def _first(receive: Any, full: asyncio.Event) -> Any:
    """The next message, or a disconnect where the line is full first."""
    coming, over = asyncio.ensure_future(receive()), asyncio.ensure_future(full.wait())
    try:
        done, _ = await asyncio.wait({coming, over}, return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming in done else GONE
    finally:
        for task in (coming, over):
            task.cancel()


def _size(message: Any) -> int:
    return len(message.get("text") or message.get("bytes") or "")
