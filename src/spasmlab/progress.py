"""Stages of a run, shown on standard error and timed: a spinner on a terminal, one line a stage elsewhere.

With the environment of `LINES`, progress is one JSON object a line, for a program that started this one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Progress = Callable[[int, int], None]
LINES = {"SPASMLAB_PROGRESS": "lines"}


@dataclass(eq=False)
class Stages:
    """Names and durations [s] of the stages passed so far. ``Stages(show=False)`` only keeps time."""

    show: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[Progress]:
        """Run a block as the stage called `name`; call what it yields with (done, of) on the way."""
        start = time.perf_counter()
        with self._bar(name) as progress:
            yield progress
        taken = time.perf_counter() - start
        self.seconds[name] = self.seconds.get(name, 0.0) + taken
        if self.show and not _as_lines():
            print(f"  {name:<44}{taken:6.1f} s", file=sys.stderr, flush=True)

    @contextmanager
    def _bar(self, name: str) -> Iterator[Progress]:
        if self.show and _as_lines():
            _tell(name, 0, 0)
            yield lambda done, of: _tell(name, done, of)
            return
        if not (self.show and sys.stderr.isatty()):
            yield lambda done, of: None
            return
        from rich import progress as rich_progress
        from rich.console import Console

        columns = (
            rich_progress.SpinnerColumn(),
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.TimeElapsedColumn(),
        )
        with rich_progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(name, total=None)
            yield lambda done, of: bar.update(task, completed=done, total=of)


def _as_lines() -> bool:
    return all(os.environ.get(name) == value for name, value in LINES.items())


def _tell(stage: str, done: int, of: int) -> None:
    print(json.dumps({"stage": stage, "done": int(done), "of": int(of)}), file=sys.stderr, flush=True)
