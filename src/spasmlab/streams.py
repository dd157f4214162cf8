"""Named random streams: the same seed and name give the same numbers whatever else is drawn, on any thread."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """A generator of its own for each (seed, path), e.g. ``stream(1, "population", "clearance", 17)``.

    The key of a Philox counter generator is the BLAKE2 hash of seed and path, so adding a name changes no other draw.
    """
    return np.random.Generator(np.random.Philox(key=key(seed, *path)))


def key(seed: int, *path: str | int) -> int:
    """The 128-bit key behind `stream`; its low 64 bits seed the counter-based generator of the circuit."""
    text = "/".join([str(seed), *(str(part) for part in path)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
