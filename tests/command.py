"""The command line run in the process of the tests: as often as asked, or once a session for the same words."""

from __future__ import annotations

import contextlib
import io
import json
from functools import cache

from spasmlab import cli

Answer = tuple[int, str, str]


def run(*words: object) -> Answer:
    """(exit code, standard output, standard error) of `spasmlab WORDS`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli._exit_code([str(word) for word in words])
    return code, out.getvalue(), err.getvalue()


@cache
def _once(words: tuple[str, ...]) -> Answer:
    return run(*words)


def once(*words: object) -> Answer:
    """The same, run the first time that a file of tests asks for these words: for commands that write no file."""
    return _once(tuple(map(str, words)))


def found(answer: Answer) -> dict:
    """The JSON object of an answer that went well."""
    code, out, err = answer
    assert code == 0, err
    return json.loads(out)
