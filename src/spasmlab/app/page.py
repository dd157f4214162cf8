"""The shell of the page: skip link, header with the tabs, messages, the five panels, and what it is for, said once."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from htmltools import HTML, Tag, tags
from shiny import ui

from spasmlab import __version__
from spasmlab.app import bindings, tabs
from spasmlab.app.state import State
from spasmlab.result import NOTICE

SCRIPTS = "<!-- scripts and styles -->"
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0072b2"/>'
    '<path d="M3 19h7l3-11 5 17 4-10 2 4h5" fill="none" stroke="#fff" stroke-width="2.6" stroke-linejoin="round"/></svg>'
)


def page(state: State, problems: list[str]) -> Any:
    """The whole page for a state, for Shiny to serve; `problems` of the link are shown at once."""
    text = "<!DOCTYPE html>\n" + str(document(state, problems))
    return ui.page_html(text, extra_deps=[bindings.dependency()], deps_replace_pattern=SCRIPTS)


def document(state: State, problems: list[str]) -> Tag:
    """The page as one tag, with a mark where scripts and styles go."""
    return tags.html(
        tags.head(
            tags.meta(charset="utf-8"),
            tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
            tags.meta(name="color-scheme", content="light dark"),
            tags.title("Spasmlab"),
            tags.link(rel="icon", href=f"data:image/svg+xml,{quote(ICON)}"),
            HTML(SCRIPTS),
        ),
        tags.body(
            tags.a("Skip to the content", href="#content", class_="skip"),
            _header(state),
            tags.div(*_messages(problems), id="messages", class_="messages"),
            tags.div(id="read-out", class_="visually-hidden", role="status", aria_live="polite"),
            tags.main(*(_panel(name, state) for name in tabs.NAMES), id="content", tabindex="-1"),
            _footer(),
        ),
        lang="en",
    )


def _header(state: State) -> Tag:
    return tags.header(
        tags.h1(tags.span("Spasmlab"), class_="brand"),
        tags.nav(
            tags.div(
                *(_tab(name, state) for name in tabs.NAMES),
                role="tablist",
                aria_label="Parts of the laboratory",
                class_="tabs",
            ),
            aria_label="Main",
        ),
        tags.div(
            tags.span("Preparing the model…", id="ready", class_="ready", role="status"),
            tags.button("Copy link", id="copy-link", type="button", class_="button quiet"),
            tags.button(
                tags.span("Dark", id="theme-text"),
                id="theme",
                type="button",
                class_="button quiet",
                aria_pressed="false",
                aria_label="Dark appearance",
            ),
            class_="tools",
        ),
        class_="top",
    )


def _tab(name: str, state: State) -> Tag:
    chosen = name == state.tab
    return tags.button(
        tabs.load(name).TITLE,
        id=f"tab-{name}",
        type="button",
        role="tab",
        aria_selected=str(chosen).lower(),
        aria_controls=f"panel-{name}",
        tabindex="0" if chosen else "-1",
        data_tab=name,
    )


def _panel(name: str, state: State) -> Tag:
    return tags.section(
        tabs.load(name).ui(state),
        id=f"panel-{name}",
        role="tabpanel",
        aria_labelledby=f"tab-{name}",
        class_=f"panel panel-{name}",
        hidden=None if name == state.tab else True,
    )


def _messages(problems: list[str]) -> list[Tag]:
    return [
        tags.div(
            tags.p(tags.strong("Left out of the link: "), text),
            tags.button("Close", type="button", class_="button quiet close"),
            class_="message error",
            role="alert",
        )
        for text in problems
    ]


def _footer() -> Tag:
    return tags.footer(
        tags.p(tags.strong(NOTICE), class_="notice"),
        tags.p(f"Spasmlab {__version__}. Nothing on this page leaves the machine it runs on."),
    )
