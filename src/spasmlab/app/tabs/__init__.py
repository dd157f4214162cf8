"""The tabs of the page. Adding one is adding a file here and its name to `NAMES`.

A tab is a module with

    TITLE = "Explore"                      # what its button says
    class Fields(app.fields.Fields): …     # what a link holds of it, each checked:
        drug: str = fields.one_of("gabapentin", "drug", drugs.names)
    def ui(state: State) -> Tag: …         # its content, with the values of the state in its inputs (`widgets`)
    def server(board: Board) -> None: …    # once for each session, when the tab is first opened

In `server`, ``board.follow("NAME")`` keeps the state at what the inputs say (input ids are ``NAME_field``) and puts what
is wrong beside its input; ``board.fields("NAME")`` reads the fields, reactively. Work of more than a few milliseconds goes
through `work.Latest` (a thread, only ever the newest question) or `work.Job` (a command in a process of its own, with
progress and cancel); a function that may raise a SpasmlabError is run with ``board.trying``. Its styles are in
``static/NAME.css``, its script, if it needs one, in ``static/NAME.js``: both are loaded where they exist.
``widgets.evidence_link(path)`` links a number to its row. Give every ``reactive.Value`` a ``name``: without one Shiny looks
for it in the source, which takes a tenth of a second.
"""

from __future__ import annotations

import importlib
from typing import Any

NAMES = ("explore", "compare", "trial", "evidence", "check")


def load(name: str) -> Any:
    """The module of a tab."""
    return importlib.import_module(f"{__name__}.{name}")
