"""The door of the server: who may call, how much they may send, and what a browser may do with the page.

Plain ASGI. A request that names a host other than this machine's (while it listens on loopback alone), comes from a page
of another origin, or carries more than `most` bytes is refused before anything reads it. There are only so many sessions
at once, and what each may send and leave unread is in `line`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

from spasmlab.app import line

MOST_BYTES = 1_000_000
MOST_SESSIONS = 100
FULL = "this server has as many sessions as it takes; try again later"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class TooLarge(Exception):
    """A body went over the limit while it was read."""


class Guard:
    """Wraps an ASGI program. `hosts` are the names it answers to, None for any; `page` is the page whose few lines of
    script inside it may run (each is allowed by its hash)."""

    def __init__(
        self, app: Any, hosts: frozenset[str] | None, page: str = "", most: int = MOST_BYTES
    ) -> None:
        self.app, self.hosts, self.most = app, hosts, most
        self.sessions = 0
        policy = POLICY.format(scripts="".join(f" 'sha256-{one}'" for one in _hashes(page)))
        self.headers = [
            (name.encode(), value.encode())
            for name, value in {"content-security-policy": policy, **HEADERS}.items()
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request through, or refuse it with one line."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        if why := self._refused(scope, headers):
            await self._refuse(scope, send, *why)
            return
        if scope["type"] == "websocket":
            await self._session(scope, receive, send)
            return
        answered = False

        async def sending(message: Any) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                message = {**message, "headers": [*message.get("headers", []), *self.headers]}
            await send(message)

        try:
            await self.app(scope, self._limited(receive), sending)
        except TooLarge:
            if not answered:
                await self._refuse(scope, send, 413, f"too large: more than {self.most} bytes")

    async def _session(self, scope: Any, receive: Any, send: Any) -> None:
        """A session, counted while it lasts."""
        if self.sessions >= MOST_SESSIONS:
            await send({"type": "websocket.close", "code": 1013, "reason": FULL})
            return
        self.sessions += 1
        try:
            await line.carry(self.app, scope, receive, send)
        finally:
            self.sessions -= 1

    def _refused(self, scope: Any, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.hosts is not None and _name(host) not in self.hosts:
            return 421, f"this server answers to {', '.join(sorted(self.hosts))} only"
        origin = headers.get("origin")
        asks = scope["type"] == "websocket" or scope["method"] not in {"GET", "HEAD"}
        if asks and origin is not None and urlsplit(origin).netloc != host:
            return 403, "a page of another origin may not ask this server"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.most:
            return 413, f"too large: more than {self.most} bytes"
        return None

    async def _refuse(self, scope: Any, send: Any, status: int, text: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": text})
            return
        head = [(b"content-type", b"text/plain; charset=utf-8"), *self.headers]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": text.encode() + b"\n"})

    def _limited(self, receive: Any) -> Any:
        read = 0

        async def receiving() -> Any:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most:
                raise TooLarge
            return message

        return receiving


def _name(host: str) -> str:
    """The name in ``name:port`` or ``[::1]:port``."""
    return host[1:].split("]")[0] if host.startswith("[") else host.rsplit(":", 1)[0]


def _hashes(page: str) -> list[str]:
    """SHA-256 of every script that stands inside a page, as a policy writes it."""
    inside = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inside]
