"""Stages of a run, shown on standard error and timed: a spinner on a terminal, one line a stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stages:
    """Names and durations [s] of the stages passed so far. ``Stages(show=False)`` only keeps time."""

    show: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Run a block as the stage called `name`."""
        start = time.perf_counter()
        with self._spinner(name):
            yield
        taken = time.perf_counter() - start
        self.seconds[name] = self.seconds.get(name, 0.0) + taken
        if self.show:
            print(f"  {name:<44}{taken:6.1f} s", file=sys.stderr, flush=True)

    @contextmanager
    def _spinner(self, name: str) -> Iterator[None]:
        if not (self.show and sys.stderr.isatty()):
            yield
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            bar.add_task(name, total=None)
            yield
