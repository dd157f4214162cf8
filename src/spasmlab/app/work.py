"""Work away from the event loop: solves in a few threads, runs of the circuit and trials in processes of their own.

A solve on the event loop would hold up every session, so it goes through `Latest`, which always works on the newest
question alone. Whatever takes seconds is a command of Spasmlab started like any other (`Job`), with progress and cancel.
Work ends with its session.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shiny import reactive

from spasmlab.errors import SpasmlabError
from spasmlab.parameter import PACKAGE
from spasmlab.progress import LINES

if TYPE_CHECKING:
    from spasmlab.app.board import Board

Q = TypeVar("Q")
R = TypeVar("R")
THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="solve")
LOG = logging.getLogger(__name__)
MOST_PROCESSES = max(1, (os.cpu_count() or 2) - 1)
_GATES: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}
RUNNING: set[Job] = set()
WAITING: set[Job] = set()


class Latest(Generic[Q, R]):
    """Answers of `solve`, run in a thread: only the newest question that waits is ever worked on.

    ``ask(question)`` from an effect; ``answer()`` and ``problem()`` in outputs (reactive; None where there is none).
    A SpasmlabError becomes the problem, and is said on the page unless `quiet`.
    """

    def __init__(self, board: Board, solve: Callable[[Q], R], quiet: bool = False) -> None:
        self._board, self._solve, self._quiet = board, solve, quiet
        self._waiting: list[Q] = []
        self._task: asyncio.Task[None] | None = None
        self._answer: reactive.Value[R | None] = reactive.Value(None, name="held")
        self._problem: reactive.Value[str | None] = reactive.Value(None, name="held")
        board.session.on_ended(self._waiting.clear)

    def ask(self, question: Q) -> None:
        """Put a question in place of the one that waits."""
        self._waiting[:] = [question]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    def answer(self) -> R | None:
        """The newest answer; it stays while a newer question is worked on."""
        return self._answer()

    def problem(self) -> str | None:
        """What was wrong with the newest question, or None."""
        return self._problem()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and not self._board.closed:
            question = self._waiting.pop()
            found: R | None = None
            wrong: str | None = None
            try:
                found = await loop.run_in_executor(THREADS, self._solve, question)
            except SpasmlabError as problem:
                wrong = str(problem)
            except (
                Exception
            ) as problem:  # a fault of ours: said on the page, and with its trace in the server's log
                LOG.exception("an answer failed")
                wrong = f"unexpected {type(problem).__name__}: {problem}"
            if not self._waiting and not self._board.closed:
                await self._publish(found, wrong)

    async def _publish(self, found: R | None, wrong: str | None) -> None:
        async with reactive.lock():
            if wrong is None:
                self._answer.set(found)
            self._problem.set(wrong)
            if wrong and not self._quiet:
                self._board.fail(wrong)
            await reactive.flush()


@dataclass(frozen=True)
class Status:
    """How far a job is: `state` is idle, waiting, running, done, failed or cancelled; `done` of `of` in its stage
    (while it waits, `of` are before it)."""

    state: str = "idle"
    stage: str = ""
    done: int = 0
    of: int = 0
    message: str = ""

    @property
    def busy(self) -> bool:
        """Whether the job is waiting or running."""
        return self.state in {"waiting", "running"}


class Job:
    """One command of Spasmlab at a time in a process of its own, for one session.

    ``start(["assay", "stretch", …])`` adds ``--json``; ``status()`` and ``result()`` are reactive. A file that the command
    needs is written into ``folder`` first, and what it writes with ``--out`` lies there too. A session that ends, or
    `cancel`, ends the process and what it started.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._status: reactive.Value[Status] = reactive.Value(Status(), name="status")
        self._result: reactive.Value[dict[str, Any] | None] = reactive.Value(None, name="held")
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self.folder = Path(tempfile.mkdtemp(prefix="spasmlab-"))
        board.session.on_ended(self.close)

    def status(self) -> Status:
        """How far the job is (reactive)."""
        return self._status()

    def result(self) -> dict[str, Any] | None:
        """The JSON of the last command that was done (reactive)."""
        return self._result()

    def start(self, arguments: Sequence[str]) -> None:
        """Start a command in place of the one that runs."""
        self._kill()
        self._cancelled = False
        self._task = asyncio.create_task(self._run([*arguments, "--json"]))

    def cancel(self) -> None:
        """End the command; the page says that it was cancelled."""
        self._cancelled = True
        self._kill()

    def close(self) -> None:
        """End the command and remove its files."""
        self.cancel()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kill(self) -> None:
        if self._task and not self._task.done() and self._process is None:
            self._task.cancel()
            self._set_soon(Status("cancelled"))
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _set_soon(self, status: Status) -> None:
        if not self._board.closed:
            self._status.set(status)

    async def _run(self, arguments: list[str]) -> None:
        ahead = len(RUNNING) + len(WAITING)
        WAITING.add(self)
        try:
            await self._set(Status("waiting", of=ahead))
            async with _gate():
                WAITING.discard(self)
                RUNNING.add(self)
                try:
                    await self._carry_out(arguments)
                finally:
                    RUNNING.discard(self)
                    self._process = None
        finally:
            WAITING.discard(self)

    async def _carry_out(self, arguments: list[str]) -> None:
        await self._set(Status("running", "Starting"))
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "spasmlab", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            cwd=self.folder, env=environment(), start_new_session=True,
        )  # fmt: skip
        assert process.stdout and process.stderr
        output, last = await asyncio.gather(process.stdout.read(), self._listen(process.stderr))
        code = await process.wait()
        if self._cancelled:
            await self._set(Status("cancelled"))
        elif code:
            await self._set(Status("failed", message=last.removeprefix("error: ")))
        else:
            await self._set(Status("done"), json.loads(output))

    async def _listen(self, lines: asyncio.StreamReader) -> str:
        """Follow the progress on standard error; the last line that is none."""
        last, shown = "", 0.0
        async for raw in lines:
            line = raw.decode("utf-8", "replace").strip()
            if not line.startswith("{"):
                last = line or last
                continue
            told, now = json.loads(line), asyncio.get_running_loop().time()
            whole = told["done"] in (0, told["of"])
            if whole or now - shown > 0.1:  # ten times a second is as often as anyone can see
                shown = now
                await self._set(Status("running", told["stage"], told["done"], told["of"]))
        return last

    async def _set(self, status: Status, result: dict[str, Any] | None = None) -> None:
        if self._board.closed:
            return
        async with reactive.lock():
            self._status.set(status)
            if result is not None:
                self._result.set(result)
            await reactive.flush()


def environment() -> dict[str, str]:
    """The environment of a command that is started: the same program as this one, its progress as lines."""
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **LINES, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _gate() -> asyncio.Semaphore:
    """At most a process for each core but one, whatever the sessions ask."""
    return _GATES.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(MOST_PROCESSES))


def end_all() -> None:
    """End every process that runs: the server stops."""
    for job in list(RUNNING):
        job.close()


def show_progress(board: Board, job: Job, place: str) -> None:
    """Keep the bar of `widgets.progress(place, …)` at the job's status."""

    @reactive.effect
    def _() -> None:
        status = job.status()
        share = status.done / status.of if status.of else None
        board.tell("spasmlab-progress", id=place, busy=status.busy, share=share, text=in_words(status))
        if status.state == "failed":
            board.fail(status.message)


def in_words(status: Status) -> str:
    """The status in words for people."""
    words = {
        "idle": "",
        "waiting": f"Waiting for a free processor, {status.of} before this one…" if status.of else "Waiting…",
        "running": status.stage + (f": {status.done} of {status.of}" if status.of else "…"),
        "done": "Done.",
        "cancelled": "Cancelled.",
        "failed": "It did not work.",
    }
    return words[status.state]
