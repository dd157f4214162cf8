"""Compiled kernels kept between runs: named by a hash of all that made them, written atomically, imported.

They live in the user's cache folder (`SPASMLAB_CACHE` names another), or in a private temporary folder for
the length of the process where that cannot be written.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import inspect
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway

_MADE_BY = (
    "functions", "trace", "numba_kernel", "kernel_template", "kernel_cache", "adaptive_kernel", "adaptive_template",
)  # fmt: skip
_DECLARED = ("params", "reads", "writes", "states", "initial", "decays", "doses_into", "lag")
_loaded: dict[str, ModuleType] = {}


def load(pathway: Pathway) -> ModuleType:
    """The solver module of a pathway: from memory, from disk, or generated now."""
    name = f"chain_{fingerprint(pathway)}"
    if name not in _loaded:
        _loaded[name] = _import(_file(name, pathway), f"spasmlab_kernels_{name}")
    return _loaded[name]


def load_adaptive(pathway: Pathway) -> ModuleType:
    """The adaptive solver of a pathway, kept in the same way."""
    name = f"adaptive_{fingerprint(pathway)}"
    if name not in _loaded:
        _loaded[name] = _import(_file(name, pathway), f"spasmlab_kernels_{name}")
    return _loaded[name]


def load_course(pathway: Pathway, wanted: tuple[str, ...]) -> ModuleType:
    """The adaptive solver of event tables for the signals `wanted`, kept in the same way."""
    signals = hashlib.blake2b("\0".join(wanted).encode(), digest_size=4).hexdigest()
    name = f"course_{fingerprint(pathway)}_{signals}"
    if name not in _loaded:
        _loaded[name] = _import(_file(name, pathway, wanted), f"spasmlab_kernels_{name}")
    return _loaded[name]


def is_cached(pathway: Pathway) -> bool:
    """Whether a compiled solver of this pathway lies on disk, so that loading it takes no compiling."""
    name = f"chain_{fingerprint(pathway)}"
    folder = cache_folder() / "kernels"
    return (folder / f"{name}.py").exists() and any((folder / "__pycache__").glob(f"{name}.solve-*.nbc"))


@cache
def fingerprint(pathway: Pathway) -> str:
    """A hash of the stages' declarations and equations, of what compiles them, and of the versions used."""
    from importlib.metadata import version

    made_of = [version("sympy"), version("numba"), repr(dict(pathway.given))]
    made_of += [Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in _MADE_BY]
    for stage in pathway.stages:
        made_of += [stage.__name__, repr({name: getattr(stage, name) for name in _DECLARED})]
        made_of += [inspect.getsource(equation) for equation in (stage.now, stage.rates)]
    return hashlib.blake2b("\0".join(made_of).encode(), digest_size=10).hexdigest()


@cache
def cache_folder() -> Path:
    """Where kernels are kept: `SPASMLAB_CACHE`, the user's cache folder, or a private temporary one."""
    named = os.environ.get("SPASMLAB_CACHE")
    if not named:
        import platformdirs

        named = platformdirs.user_cache_dir("spasmlab", appauthor=False)
    folder = Path(named)
    return folder if _writable(folder) else _temporary()


def _writable(folder: Path) -> bool:
    try:
        (folder / "kernels").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder / "kernels"):
            return True
    except OSError:
        return False


def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="spasmlab-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "kernels").mkdir()
    return folder


def _file(name: str, pathway: Pathway, wanted: tuple[str, ...] = ()) -> Path:
    """The module's file, generated where missing or damaged; its last line is the hash of the rest."""
    file = cache_folder() / "kernels" / f"{name}.py"
    if not _intact(file):
        from spasmlab.equations import adaptive_kernel, numba_kernel

        if wanted:
            text = adaptive_kernel.course_text(pathway, wanted)
        else:
            text = (adaptive_kernel if name.startswith("adaptive_") else numba_kernel).text(pathway)
        _write(file, text)
    return file


def _seal(text: str) -> str:
    return f"# {hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}\n"


def _intact(file: Path) -> bool:
    try:
        text, _, seal = file.read_text(encoding="utf-8").rpartition("# ")
    except (OSError, UnicodeDecodeError):
        return False
    return f"# {seal}" == _seal(text)


def _write(file: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text + _seal(text))
    os.replace(temporary, file)


def _import(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
