"""`spasmlab app`: the laboratory as a web page."""

from __future__ import annotations

from typing import Annotated

import typer

from spasmlab.errors import InputError

NEEDED = ("shiny", "uvicorn", "starlette")


def command(
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=0, max=65535)] = 8000,
    host: Annotated[
        str, typer.Option("--host", help="Who may reach it: 127.0.0.1 is this machine alone.")
    ] = "127.0.0.1",
) -> None:
    """The laboratory as a web page: a dose that moves every level, on this machine alone unless --host says else."""
    import importlib.util
    import sys

    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise InputError(
            f"'spasmlab app' needs {missing[0]}, which is not installed; possible: pip install 'spasmlab[app]'"
        )
    from spasmlab.app import server

    listening = server.listen(host, port)
    shown, at = listening.getsockname()[:2]
    place = f"[{shown}]" if ":" in shown else shown
    print(f"Spasmlab is at http://{place}:{at} (Ctrl+C ends it)", file=sys.stderr, flush=True)
    server.serve(listening, host)
