"""Named random streams: the same seed and name give the same numbers whatever else is drawn, on any thread."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

BLOCK = 1024


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """A generator of its own for each (seed, path), e.g. ``stream(1, "population", "clearance", 17)``.

    The key of a Philox counter generator is the BLAKE2 hash of seed and path, so adding a name changes no other draw.
    """
    return np.random.Generator(np.random.Philox(key=key(seed, *path)))


def key(seed: int, *path: str | int) -> int:
    """The 128-bit key behind `stream`; its low 64 bits seed the counter-based generator of the circuit."""
    text = "/".join([str(seed), *(str(part) for part in path)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def normals(seed: int, *path: str | int, first: int = 0, count: int = 1) -> np.ndarray:
    """Standard normal deviates of the patients `first` … `first + count - 1`, shape (count,).

    Drawn in blocks with a stream each, so that patient 10⁶ costs no more than patient 0 and a patient's number is
    the same in every chunk.
    """
    return _blocks(seed, path, first, count, lambda generator: generator.standard_normal(BLOCK))


def uniforms(seed: int, *path: str | int, first: int = 0, count: int = 1) -> np.ndarray:
    """Uniform deviates in [0, 1), as `normals`."""
    return _blocks(seed, path, first, count, lambda generator: generator.random(BLOCK))


def _blocks(
    seed: int,
    path: tuple[str | int, ...],
    first: int,
    count: int,
    draw: Callable[[np.random.Generator], np.ndarray],
) -> np.ndarray:
    blocks = range(first // BLOCK, (first + count - 1) // BLOCK + 1)
    drawn = [draw(stream(seed, *path, "block", block)) for block in blocks]
    start = first - first // BLOCK * BLOCK
    return np.concatenate([*drawn, np.zeros(0)])[start : start + count]
