"""Who does a trial's work: processes of this machine, or a Dask cluster. The same function does it, so the numbers are
the same; a worker that dies costs the pieces it had in hand, which are given out again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from spasmlab.errors import InputError, SolveError, unknown
from spasmlab.progress import Progress
from spasmlab.trial import simulate
from spasmlab.trial.design import Design
from spasmlab.trial.simulate import Block, Setting
from spasmlab.trial.store import Store

ENGINES = ("local", "dask")
MOST_RESTARTS = 5


def work(design: Design, setting: Setting, folder: str, block: Block) -> int:
    """One piece of work: simulate a block and keep its part; returns how many patients failed."""
    table = simulate.run_safely(design, block, setting)
    Store(Path(folder), design, setting).keep(block, table)
    return int(table.loc[table["code"] > 0, "patient"].nunique())


def carry_out(
    store: Store,
    blocks: list[Block],
    *,
    engine: str = "local",
    workers: int | None = None,
    cluster: dict[str, Any] | None = None,
    progress: Progress = lambda done, of: None,
) -> None:
    """Do every block that is missing in the store, in any order; SolveError where workers keep dying."""
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    count = workers or os.cpu_count() or 1
    for _ in range(MOST_RESTARTS):
        left = store.missing(blocks)
        if not left:
            progress(len(blocks), len(blocks))
            return
        if engine == "local" and (count == 1 or len(left) == 1):
            _here(store, left, len(blocks), progress)
            continue
        try:
            with ExitStack() as stack:
                pool = stack.enter_context(
                    _processes(min(count, len(left))) if engine == "local" else _dask(cluster or {}, count)
                )
                _give_out(pool, store, left, len(blocks), progress)
        except BrokenProcessPool:
            continue  # a worker was killed: what it had not kept is missing still, and is given out again
    if store.missing(blocks):
        raise SolveError(
            f"workers died {MOST_RESTARTS} times; {len(blocks) - len(store.missing(blocks))} of {len(blocks)} parts are "
            "kept, run the same command again to go on"
        )


def _here(store: Store, left: list[Block], total: int, progress: Progress) -> None:
    for done, block in enumerate(left, total - len(left) + 1):
        work(store.design, store.setting, str(store.folder), block)
        progress(done, total)


def _give_out(pool: Executor, store: Store, left: list[Block], total: int, progress: Progress) -> None:
    futures = [pool.submit(work, store.design, store.setting, str(store.folder), block) for block in left]
    for done, future in enumerate(as_completed(futures), total - len(left) + 1):
        future.result()
        progress(done, total)


def _processes(count: int) -> ProcessPoolExecutor:
    import multiprocessing

    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


class _dask:
    """A Dask cluster as an executor: one of this machine, the one at an address, or a SLURM profile (dask-jobqueue)."""

    def __init__(self, cluster: dict[str, Any], count: int) -> None:
        self.cluster, self.count = cluster, count

    def __enter__(self) -> Executor:
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            raise InputError(
                "--engine dask needs the extra 'cluster'; possible: pip install 'spasmlab[cluster]', or --engine local"
            ) from None
        self.stack = ExitStack()
        if address := self.cluster.get("address"):
            self.client = self.stack.enter_context(_connected(Client, str(address)))
        else:
            made = (
                self._slurm()
                if "slurm" in self.cluster
                else LocalCluster(
                    n_workers=self.count,
                    threads_per_worker=1,
                    dashboard_address=None,  # pyright: ignore[reportArgumentType]
                    host="127.0.0.1",
                )
            )
            self.client = self.stack.enter_context(Client(self.stack.enter_context(made)))
        return self.client.get_executor(retries=MOST_RESTARTS, pure=False)

    def _slurm(self) -> Any:
        try:
            from dask_jobqueue import SLURMCluster
        except ImportError:
            raise InputError(
                "a [cluster.slurm] profile needs dask-jobqueue; possible: pip install dask-jobqueue, or an address"
            ) from None
        profile = dict(self.cluster["slurm"])
        jobs = int(profile.pop("jobs", self.count))
        made = SLURMCluster(**profile)
        made.scale(jobs=jobs)
        return made

    def __exit__(self, *problem: object) -> None:
        self.stack.close()


def _connected(client: Callable[..., Any], address: str) -> Any:
    try:
        return client(address, timeout="10s")
    except (OSError, ValueError) as problem:
        raise InputError(f"no Dask scheduler answers at '{address}': {problem}") from None
