"""Coroutines run on a loop of their own, in a thread: Playwright keeps one running in the thread of the tests."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """What the coroutine returns, or the exception it ends with."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
