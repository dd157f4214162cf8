"""The verbs of the command line as JSON: ``POST /api/VERB`` with its options as an object, ``GET /api`` lists them.

What is asked for is started as that command in a process of its own, so that the answer is the command's own JSON.
Options that name a file or a folder do not exist here, and a name that looks like one is refused.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from functools import cache
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from spasmlab.app.exports import arguments
from spasmlab.app.work import environment
from spasmlab.errors import InputError, unknown

WORDS = {  # verb: its argument without a name, if it has one
    "run": None, "exposure": None, "assay": "name", "trial": "file", "power": "file", "replicate": "study",
    "claims": "claim", "check": None, "plan": None, "advise": None, "list": "what", "explain": "path",
}  # fmt: skip
FILES = {"out", "events", "fhir", "json", "engine", "workers"}
SECONDS = 600.0
MOST_RUNS = 2
_gates: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


@cache
def options(verb: str) -> tuple[str, ...]:
    """The options of a verb, as the command line has them, without those that name files."""
    import typer

    from spasmlab.cli import app

    group: Any = typer.main.get_command(app)
    known = {
        p.opts[0].removeprefix("--"): p for p in group.commands[verb].params if p.opts[0].startswith("--")
    }
    return tuple(sorted(set(known) - FILES - {"help"}))


def line(verb: str, asked: Any) -> list[str]:
    """The arguments of a command from a JSON object; InputError for what is no option of it."""
    if verb not in WORDS:
        raise unknown("verb", verb, WORDS)
    if not isinstance(asked, dict):
        raise InputError(f"the body must be one JSON object of options, not a {type(asked).__name__}")
    word, words, given = WORDS[verb], [], {}
    for name, value in asked.items():
        plain = name.replace("_", "-")
        if name == word:
            words = [_plain(name, v) for v in (value if isinstance(value, list) else [value])]
        elif plain in options(verb):
            given[plain] = value if isinstance(value, bool) else _plain(name, value)
        else:
            raise unknown(f"option of {verb}", name, [*options(verb), *([word] if word else [])])
    return [*arguments(verb, given, words), "--json"]


def _plain(name: str, value: Any) -> str:
    """A value as one word: text or number, no path and no option."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"'{name}' must be a text or a number, not a {type(value).__name__}")
    text = f"{value:g}" if isinstance(value, float) else str(value)
    looks_like_a_file = text.strip().lower().endswith((".toml", ".csv", ".json")) or "\\" in text
    if looks_like_a_file or text.lstrip().startswith(("-", "/", ".", "~")) or "\0" in text or "../" in text:
        raise InputError(
            f"'{name}' cannot be '{text[:80]}'; possible: a name or words, not a file and not an option"
        )
    return text


async def _answer(request: Request) -> Response:
    verb = request.path_params["verb"]
    try:
        body = await request.body()
        asked = json.loads(body) if body.strip() else {}
        words = await asyncio.to_thread(line, verb, asked)
        return await _run(words)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return _problem("the body is not JSON; possible: one object of options", 400)
    except InputError as problem:
        return _problem(str(problem), 400)
    except ClientDisconnect:
        return _problem("gone", 499)


async def _run(words: list[str]) -> Response:
    gate = _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(MOST_RUNS))
    async with gate:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "spasmlab", *words, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment(),
            start_new_session=True,
        )  # fmt: skip
        try:
            out, said = await asyncio.wait_for(process.communicate(), SECONDS)
        except TimeoutError:
            return _problem(
                f"more than {SECONDS:g} s; possible: a smaller question, or the command line", 504
            )
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        return Response(out, media_type="application/json")
    last = [text for text in said.decode("utf-8", "replace").splitlines() if not text.startswith("{")][-1:]
    text = last[0].removeprefix("error: ") if last else "it did not work"
    return _problem(text, 400 if process.returncode == 2 else 500)


def _problem(text: str, status: int) -> JSONResponse:
    return JSONResponse({"error": text}, status)


async def _index(_: Request) -> JSONResponse:
    verbs = {verb: {"argument": word, "options": options(verb)} for verb, word in WORDS.items()}
    return JSONResponse({"post": "/api/VERB", "verbs": verbs})


def routes() -> Router:
    """The routes below ``/api``."""
    return Router([Route("/", _index), Route("/{verb}", _answer, methods=["POST"])])
