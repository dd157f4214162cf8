"""The digest of the circuit's source, part of the key under which compiled kernels are cached.

Numba looks only at the file of the function it caches; the kernels here call functions of other files, and a change of
one of those must not meet an old kernel.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def digest() -> int:
    """The first 63 bits of the SHA-256 of the Python files of this folder that Numba compiles, in the order of their
    names.
    """
    found = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        text = file.read_bytes()
        if b"@njit" in text:
            found.update(file.name.encode() + text)
    return int.from_bytes(found.digest()[:8], "little") >> 1
