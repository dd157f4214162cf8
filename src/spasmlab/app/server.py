"""The server: page, sessions and JSON in one process, on loopback unless another host is asked for."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

from shiny import App, Inputs, Outputs, Session, reactive
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from spasmlab import __version__
from spasmlab.app import api, guard, page, state, tabs, warm, work
from spasmlab.app.board import Board
from spasmlab.errors import InputError

HOST = "127.0.0.1"
MOST_MESSAGE = 1_000_000  # bytes of one message from a page
LONGEST_HEAD = 65_536  # bytes of a request's first lines: a link may be long


def shell(request: Request) -> Any:
    """The page for a link: its inputs hold the link's state."""
    found, problems = state.read(request.url.query)
    return page.page(found, problems)


def session(input: Inputs, output: Outputs, session: Session) -> None:
    """One session: a board, and the server part of the tabs that are opened."""
    with reactive.isolate():
        found, _ = state.read(session.clientdata.url_search())
    board = Board(session, found)
    warm.show(board)
    _start_tabs(board)


def _start_tabs(board: Board) -> None:
    """Start the server part of each tab when it is first opened: most sessions open few."""
    started: set[str] = set()

    @reactive.effect
    def _() -> None:
        name = board.tab()
        if name not in started:
            started.add(name)
            with reactive.isolate():
                tabs.load(name).server(board)


def program(host: str = HOST) -> Any:
    """The ASGI program behind its guard."""

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        warm.start()
        yield
        work.end_all()

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"version": __version__, "ready": warm.READY.is_set()})

    routes = [Route("/health", health), Mount("/api", api.routes()), Mount("/", App(shell, session))]
    names = guard.LOOPBACK if host in guard.LOOPBACK else None
    shown = page.page(state.State(), []).render()["html"]
    return guard.Guard(Starlette(routes=routes, lifespan=life), names, shown)


def serve(listening: socket.socket, host: str) -> None:
    """Answer on a socket until interrupted."""
    import uvicorn

    settings = uvicorn.Config(
        program(host),
        log_level="warning",
        ws_max_size=MOST_MESSAGE,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(settings).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a place (who calls before `serve` waits). Port 0 is any free one.

    InputError where the place is taken or does not exist.
    """
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(kind, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(128)
    except (OSError, OverflowError) as problem:
        found.close()
        why = getattr(problem, "strerror", None) or str(problem)
        raise InputError(
            f"cannot listen on {host}, port {port}: {why}; possible: another --port (1024 to 65535) or --host"
        ) from None
    return found
