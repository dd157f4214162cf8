"""Kernels and tables made ready in a thread when the server starts; until then the page says so."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shiny import reactive

if TYPE_CHECKING:
    from spasmlab.app.board import Board

READY = threading.Event()


def start() -> None:
    """Begin, once in a process."""
    if not any(thread.name == "warm" for thread in threading.enumerate()) and not READY.is_set():
        threading.Thread(target=_warm, name="warm", daemon=True).start()


def _warm() -> None:
    from spasmlab import request, run
    from spasmlab.app.tabs import evidence
    from spasmlab.progress import Stages

    try:
        asked = request.build("gabapentin", "600 mg tid", condition="ms-spasticity", draws=2)
        run.run(asked, Stages(), "surrogate")
        evidence.levels()
    finally:
        READY.set()


def show(board: Board) -> None:
    """Tell the page when all is ready."""

    @reactive.effect
    async def _() -> None:
        if not READY.is_set():
            reactive.invalidate_later(0.25)
        await board.session.send_custom_message("spasmlab-ready", {"ready": READY.is_set()})
