"""A ring of time slots in which spikes wait until their delay is over; a spike costs only when it happens.

Each slot is a linked list of events. An event is named by its source and by how many of its spikes are under way, so
nothing is allocated while a run goes on. A spike for which there is no name left is counted as lost, never written over
another: the run that lost one ends with a result code.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

IN_FLIGHT = 16  # spikes of one source under way at once: over 15 ms of delay, more than 1000 a second


class Queue(NamedTuple):
    """`head` of each slot's list (−1: empty), `link` from event to event, `sent` spikes of each source so far.

    `busy` marks the events under way; `lost` counts the spikes that found no name.
    """

    head: np.ndarray
    link: np.ndarray
    sent: np.ndarray
    busy: np.ndarray
    lost: np.ndarray


@njit
def new_queue(slots, sources):
    """An empty queue of `slots` time slots for `sources` sources."""
    events = sources * IN_FLIGHT
    return Queue(
        np.full(slots, -1), np.zeros(events, np.int64), np.zeros(sources, np.int64), np.zeros(events, np.bool_),
        np.zeros(1, np.int64),
    )  # fmt: skip


@njit
def post(queue, source, step):
    """Let a spike of `source` arrive at `step`."""
    event = source * IN_FLIGHT + queue.sent[source] % IN_FLIGHT
    if queue.busy[event]:
        queue.lost[0] += 1
        return
    slot = step % queue.head.size
    queue.link[event] = queue.head[slot]
    queue.head[slot] = event
    queue.busy[event] = True
    queue.sent[source] += 1


@njit
def take(queue, event):
    """An event has arrived: free its name and return (its source, the next event of its slot)."""
    queue.busy[event] = False
    return event // IN_FLIGHT, queue.link[event]
