"""The command line. Each command is a file of `cli.commands`; options that several share are in `cli.options`.

Exit codes: 0 done, 2 the user's input is wrong (one line on standard error), 1 anything else. Standard output
holds the table, or with ``--json`` one JSON object and nothing else; progress goes to standard error.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import typer

from spasmlab import __version__
from spasmlab.cli import commands
from spasmlab.errors import SpasmlabError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A virtual laboratory for muscle spasm, from a dose of gabapentin to the reflex it calms. "
    "For research and teaching, never for treating a patient.",
)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


for _name in commands.NAMES:
    app.command(_name)(importlib.import_module(f"{commands.__name__}.{_name}").command)


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the command `spasmlab`; ends the process with an exit code."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: list[str] | None) -> int:
    try:
        code = app(
            args=_with_meal(sys.argv[1:] if arguments is None else arguments),
            prog_name="spasmlab",
            standalone_mode=False,
        )
    except SpasmlabError as problem:
        return _say(str(problem), problem.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as problem:
        return _usage_or_bug(problem)
    return code if isinstance(code, int) else 0


def _with_meal(words: list[str]) -> list[str]:
    """A bare ``--fed`` is the meal of food studies."""
    from itertools import pairwise

    bare = [
        word == "--fed" and (after is None or after.startswith("-"))
        for word, after in pairwise([*words, None])
    ]  # type: ignore[list-item]
    return [
        part
        for word, alone in zip(words, bare, strict=True)
        for part in ((word, "high-fat") if alone else (word,))
    ]


def _usage_or_bug(problem: Exception) -> int:
    """A wrong option or argument (Typer's exceptions know how to say it) is the user's; all else is ours."""
    say = getattr(problem, "format_message", None)
    if say is None:
        if os.environ.get("SPASMLAB_DEBUG"):
            raise problem
        return _say(f"unexpected {type(problem).__name__}: {problem}", 1)
    if type(problem).__name__ == "NoArgsIsHelpError":
        print(problem, file=sys.stderr)
        return 2
    return _say(say(), getattr(problem, "exit_code", 2))


def _say(message: str, code: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return code
