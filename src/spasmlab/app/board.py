"""What a tab works with: the session's state, its inputs, its messages, and the way to another tab."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from shiny import Inputs, Session, reactive

from spasmlab.app import tabs
from spasmlab.app.state import State
from spasmlab.app.work import THREADS
from spasmlab.errors import InputError, SpasmlabError

R = TypeVar("R")
SAY, ADDRESS, OPEN, MARK = "spasmlab-say", "spasmlab-address", "spasmlab-open", "spasmlab-mark"
FILE = "spasmlab-file"


class Board:
    """One session: the fields of every tab (reactive) and everything that changes or shows them."""

    def __init__(self, session: Session, state: State) -> None:
        self.session = session
        self.input: Inputs = session.input
        self.closed = False
        self._wrong: set[str] = set()  # inputs beside which something stands
        # A name is given everywhere: without one Shiny looks for it in the source, a tenth of a second for each.
        self._tab: reactive.Value[str] = reactive.Value(state.tab, name="tab")
        self._fields = {name: reactive.Value(held, name=name) for name, held in state.of.items()}
        session.on_ended(self._close)
        self._follow_tab()
        self._send_address()

    def _close(self) -> None:
        self.closed = True

    @property
    def state(self) -> State:
        """The whole state (reactive)."""
        return State(self._tab(), {name: held() for name, held in self._fields.items()})

    def fields(self, tab: str) -> Any:
        """The fields of a tab (reactive: only a change of this tab is felt)."""
        return self._fields[tab]()

    def tab(self) -> str:
        """The tab that is open (reactive)."""
        return self._tab()

    def change(self, tab: str, **values: Any) -> None:
        """Set fields of a tab, and their inputs on the page; InputError where one is wrong."""
        self.set(tab, **values)
        for name, value in values.items():
            self.put(f"{tab}_{name}", value)

    def put(self, place: str, value: Any, **more: Any) -> None:
        """Set an input of the page, here too: the page does not tell back what it was told. `more` are its ends, unit, …"""
        self.input[place]._set(value)
        self.session.send_input_message(place, {"value": value, **more})
        self._mark(place, "")

    def set(self, tab: str, **values: Any) -> None:
        """Set fields of a tab, but not the inputs on the page; InputError where one is wrong."""
        with reactive.isolate():
            old = self._fields[tab]()
        new = old.changed(**values)
        if new != old:
            self._fields[tab].set(new)

    def open(self, tab: str, **values: Any) -> None:
        """Go to another tab, with these fields of it set."""
        if values:
            self.change(tab, **values)
        self.tell(OPEN, tab=tab)

    def follow(self, tab: str) -> None:
        """Keep the fields of a tab at what its inputs ``TAB_field`` say; what is wrong stands beside its input."""
        for name in tabs.load(tab).Fields.model_fields:
            self._follow(tab, name)

    def _follow(self, tab: str, name: str) -> None:
        """One effect for one input: whatever the page tells of it is taken, even a value that it had before the state was
        changed from elsewhere, and no other input tells an old value again."""

        @reactive.effect
        def _() -> None:
            value = self.input[
                f"{tab}_{name}"
            ]()  # silent while the page has no such input, or has not told it yet
            with reactive.isolate():
                self._take(tab, name, value)

    def _take(self, tab: str, name: str, value: Any) -> None:
        place = f"{tab}_{name}"
        try:
            self.set(tab, **{name: value})
            self._mark(place, "")
        except InputError as problem:
            self._mark(place, str(problem))

    def _mark(self, place: str, text: str) -> None:
        """Say beside an input what is wrong with it, or that nothing is any more."""
        if text or place in self._wrong:
            self.tell(MARK, id=place, text=text)
        (self._wrong.add if text else self._wrong.discard)(place)

    def say(self, text: str) -> None:
        """A message that is read out and shown for a while."""
        self.tell(SAY, text=text, level="note")

    def fail(self, problem: SpasmlabError | str) -> None:
        """An error that is read out at once and stays until it is closed."""
        self.tell(SAY, text=str(problem), level="error")

    def save(self, name: str, text: str, kind: str = "text/plain") -> None:
        """Give the page a file to save, made in the browser from its text."""
        self.tell(FILE, name=name, text=text, kind=kind)

    def picture(self, name: str, draw: Callable[[], Any], kind: str) -> None:
        """Give the page a figure of matplotlib to save, drawn in a thread: SVG, or the PNG that the page makes of it."""
        task = asyncio.ensure_future(self._pictured(name, draw, kind))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)

    async def _pictured(self, name: str, draw: Callable[[], Any], kind: str) -> None:
        try:
            text = await asyncio.get_running_loop().run_in_executor(THREADS, _svg, draw)
        except SpasmlabError as problem:
            self.fail(problem)
            return
        self.tell(FILE, name=f"{name}.{kind}", text=text, kind="image/svg+xml", png=kind == "png")

    def trying(self, work: Callable[[], R]) -> R | None:
        """What `work` returns; where it raises a SpasmlabError that is said, and None returned."""
        try:
            return work()
        except SpasmlabError as problem:
            self.fail(problem)
            return None

    def _send_address(self) -> None:
        @reactive.effect
        def _() -> None:
            self.tell(ADDRESS, query=self.state.query)

    def _follow_tab(self) -> None:
        @reactive.effect
        def _() -> None:
            asked = self.input["tab"]()
            with reactive.isolate():
                if asked in tabs.NAMES and asked != self._tab():  # an equal value would still be felt
                    self._tab.set(asked)

    def tell(self, kind: str, /, **message: Any) -> None:
        """A message to a script of the page (``Shiny.addCustomMessageHandler``); none to a session that is gone."""
        if not self.closed:
            task = asyncio.ensure_future(self.session.send_custom_message(kind, message))
            _TASKS.add(task)
            task.add_done_callback(_TASKS.discard)


_TASKS: set[asyncio.Future[None]] = set()  # the loop itself keeps only weak references
_DRAWING = threading.Lock()  # the style of a figure is the process's


def _svg(draw: Callable[[], Any]) -> str:
    from spasmlab.report import theme

    with _DRAWING:
        return theme.svg(draw(), "figure")
