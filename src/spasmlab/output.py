"""Output folders are never half-written: all goes to a hidden one first and is moved at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from spasmlab.errors import InputError


class OutputFolder:
    """``with OutputFolder(path) as folder:`` gives a fresh folder; leaving the block moves it to `path`.

    Raises InputError on entering where `path` cannot be written, before any work is done. After an error
    nothing stays behind. What is already in `path` is replaced where names are the same, else kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._made: list[Path] = []

    def __enter__(self) -> Path:
        try:
            self._make_parents()
            self._refuse_unwritable()
            beside = self.path if self.path.is_dir() else self.path.parent
            self.draft = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=beside))
            self.draft.chmod(0o755)
        except OSError as problem:
            self._remove_parents()
            raise self._unwritable(problem.strerror or str(problem)) from problem
        except InputError:
            self._remove_parents()
            raise
        return self.draft

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            shutil.rmtree(self.draft, ignore_errors=True)
            self._remove_parents()
            return
        try:
            self._move_into_place()
        except OSError as failure:
            raise self._unwritable(failure.strerror or str(failure)) from failure
        finally:
            shutil.rmtree(self.draft, ignore_errors=True)

    def _make_parents(self) -> None:
        missing = [parent for parent in self.path.parents if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir()
            self._made.append(parent)

    def _remove_parents(self) -> None:
        for parent in reversed(self._made):
            parent.rmdir()
        self._made.clear()

    def _refuse_unwritable(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise self._unwritable("it is a file, not a folder")
        if self.path.exists() and not os.access(self.path, os.W_OK | os.X_OK):
            raise self._unwritable("permission denied")

    def _unwritable(self, why: str) -> InputError:
        return InputError(
            f"cannot write the output folder '{self.path}': {why}; possible: a folder you may write to"
        )

    def _move_into_place(self) -> None:
        if not self.path.exists():
            os.replace(self.draft, self.path)
            return
        for entry in sorted(self.draft.iterdir()):
            target = self.path / entry.name
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            os.replace(entry, target)
