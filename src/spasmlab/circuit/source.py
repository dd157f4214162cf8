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
    """The first 63 bits of the SHA-256 of all Python files of this folder, in the order of their names."""
    found = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        found.update(file.name.encode() + file.read_bytes())
    return int.from_bytes(found.digest()[:8], "little") >> 1
