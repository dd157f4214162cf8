"""A ring of time slots in which spikes wait until their delay is over; a spike costs only when it happens.

Each slot is a linked list of events. An event is named by its source and by how many of its spikes are under way, so
nothing is allocated while a run goes on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

IN_FLIGHT = 8  # spikes of one source under way at once; its shortest interval times this exceeds every delay


class Queue(NamedTuple):
    """`head` of each slot's list (−1: empty), `link` from event to event, `sent` spikes of each source so far."""

    head: np.ndarray
    link: np.ndarray
    sent: np.ndarray


@njit
def new_queue(slots, sources):
    """An empty queue of `slots` time slots for `sources` sources."""
    return Queue(np.full(slots, -1), np.zeros(sources * IN_FLIGHT, np.int64), np.zeros(sources, np.int64))


@njit
def post(queue, source, step):
    """Let a spike of `source` arrive at `step`."""
    event = source * IN_FLIGHT + queue.sent[source] % IN_FLIGHT
    slot = step % queue.head.size
    queue.link[event] = queue.head[slot]
    queue.head[slot] = event
    queue.sent[source] += 1


@njit
def source_of(event):
    """The source an event belongs to."""
    return event // IN_FLIGHT
