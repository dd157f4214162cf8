"""Hostile hands: fields, links, uploads and sockets that try to read a file, run a command, or bring the server down."""

import asyncio
import json
import os
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from conftest import Server
from hypothesis import example, given, settings
from hypothesis import strategies as st

import on_a_loop
from spasmlab.app import guard, line, state, tabs
from spasmlab.app.prescribe import question, record
from spasmlab.errors import InputError

HOSTILE = [
    "\0", "a\0b", "\ud800", "\u202e", "../../etc/passwd", "file:///etc/passwd", "/etc/passwd", "mine.toml", "./mine.toml",
    "doses.csv", "$(id)", "`id`", "; rm -rf /", "| cat /etc/passwd", "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>', "{{7*7}}", "%s%n", "--out=/tmp/x", "-h", "age=1e999", "weight=1e309 kg",
    "600 mg x1e9", "1e308 mg tid", "600 mg every 0 h", "600 mg every 1e-300 h", "4 h every 0 h", "[" * 400, "9" * 5000,
    "600 mg tid then " * 300, "a" * 9000, "nan", "inf", "None", ",,,", "none,none", "2026-13-45", "99999-01-01",
]  # fmt: skip
NOT_TEXT = [None, 5, 5.5, True, [], {}, ["a"], {"a": 1}, 10**400, float("nan"), float("inf")]
FIELDS = [(tab, name) for tab in tabs.NAMES for name in tabs.load(tab).Fields.model_fields]
OPENED: list[str] = []
sys.addaudithook(lambda event, args: OPENED.append(str(args[0])) if event == "open" else None)


@pytest.mark.parametrize(("tab", "name"), FIELDS, ids=".".join)
def test_a_field_takes_a_value_or_refuses_it_in_one_line(tab, name):
    plain = tabs.load(tab).Fields()
    for value in [*HOSTILE, *NOT_TEXT]:
        try:
            assert plain.changed(**{name: value}) is not None
        except InputError as problem:
            assert str(problem) and "\n" not in str(problem) and len(str(problem)) < 700


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """Files that a field might name, each of which would be read as what the field is about."""
    monkeypatch.chdir(tmp_path)
    drug = Path(tabs.__file__).parents[2] / "data" / "drugs" / "gabapentin.toml"
    (tmp_path / "secret.toml").write_text(drug.read_text())
    (tmp_path / "secret.csv").write_text("ID,TIME,AMT,EVID\n1,0,600,1\n")
    (tmp_path / "secret.json").write_text('{"resourceType": "Patient"}')
    return tmp_path


def test_no_field_reads_a_file(secret):
    names = [
        f"{folder}secret.{kind}" for folder in (f"{secret}/", "", "./") for kind in ("toml", "csv", "json")
    ]
    names += [
        f"file://{secret}/secret.toml",
        f" {secret}/secret.csv ",
        f"600 mg tid then {secret}/secret.csv",
    ]
    for tab, name in FIELDS:
        for text in names:
            OPENED.clear()
            try:
                fields = tabs.load(tab).Fields().changed(**{name: text})
            except InputError:
                fields = None
            if fields is not None and tab == "check":
                question.answer(question.Question(fields))
            assert not [place for place in OPENED if "secret" in place], (tab, name, text)


@pytest.mark.parametrize("name", ["drug", "product", "indication", "label", "fed", "regimen"])
def test_the_command_that_is_started_names_no_file_of_a_field(name, secret):
    for text in ("mine.toml", f"{secret}/secret.toml", "secret.csv"):
        with pytest.raises(InputError):
            tabs.load("check").Fields().changed(**{name: text})


PARTS = st.sampled_from(
    ["tab", *(f"{tab}.{name}" for tab, name in FIELDS), "explore.", ".", "evidence.nothing", "shop"]
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from([h for h in HOSTILE if h != "\ud800"]),
    st.integers().map(str),
    st.floats().map(str),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(PARTS, VALUES), max_size=5))
@example([("evidence.page", "9" * 400)])
def test_reading_a_link_never_fails_and_what_it_gives_is_a_link_again(pairs):
    from urllib.parse import urlencode

    found, problems = state.read(urlencode(pairs))
    assert state.read(found.query) == (found, [])
    assert all(text and "\n" not in text for text in problems)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
@example("%ff%fe=%00&tab=%ed%a0%80")
def test_reading_any_text_as_a_link_never_fails(text):
    found, _ = state.read(text)
    assert found.tab in tabs.NAMES


# ---- uploads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (5, "no file of text"),
        ({"name": "x"}, "no file of text"),
        ({"name": "big.json", "text": "x" * (record.MOST_BYTES + 1)}, "possible: up to 500,000"),
        ({"name": "bad.json", "text": "{not json"}, "'bad.json' is not valid JSON"),
        ({"name": "../../etc/passwd", "text": "[]"}, "no resourceType"),
        ({"name": "deep.json", "text": "[" * 100_000}, "nested too deeply|not valid JSON"),
        ({"name": "nan.json", "text": '{"resourceType": "Patient", "x": NaN}'}, "NaN"),
        ({"name": "odd.json", "text": '{"resourceType": "Patient", "shoe": 42}'}, "shoe"),
        ({"name": "\ud800.json", "text": "\ud800"}, "not valid JSON"),
    ],
    ids=str,
)  # fmt: skip
def test_a_record_that_cannot_be_read_is_one_line_and_leaves_nothing(asked, says, tmp_path):
    file = tmp_path / "record.json"
    with pytest.raises(InputError, match=says) as problem:
        record.store(asked, file, "gabapentin")
    assert str(tmp_path) not in str(problem.value) and "\n" not in str(problem.value)
    assert not file.exists()


def test_the_name_of_an_upload_is_shown_and_never_used(tmp_path):
    assert record.shown_name("../../etc/pass\0wd<b>") == "passwd<b>"
    assert record.shown_name("C:\\patients\\" + "x" * 200) == "x" * 60
    name, _ = record.store(
        {"name": "../up.json", "text": '{"resourceType": "Patient"}'}, tmp_path / "r.json", "gabapentin"
    )
    assert name == "up.json" and [file.name for file in tmp_path.iterdir()] == ["r.json"]


# ---- sessions ---------------------------------------------------------------------------------------------------------


def socket_scope():
    return {"type": "websocket", "path": "/websocket/", "headers": [(b"host", b"127.0.0.1")]}


def test_a_session_that_floods_is_read_no_faster_than_its_pace():
    count = int(line.BURST) + 30

    async def reads(scope, receive, send):
        for _ in range(count):
            await receive()

    async def receive():
        return {"type": "websocket.receive", "text": "{}"}

    async def send(message):
        raise AssertionError(message)

    begun = time.perf_counter()
    on_a_loop.run(guard.Guard(reads, guard.LOOPBACK)(socket_scope(), receive, send))
    assert time.perf_counter() - begun > 0.8 * 30 / line.RATE


def test_a_page_that_does_not_read_holds_up_nobody_and_ends_where_too_much_waits():
    ended = []

    async def run():
        stuck = asyncio.Event()

        async def never_read(message):
            await stuck.wait()

        async def silent():
            await stuck.wait()

        async def talks(scope, receive, send):
            message = {"type": "websocket.send", "text": "x" * 1_000_000}
            for _ in range(line.MOST_WAITING // 1_000_000 + 2):
                await asyncio.wait_for(send(message), 1)
            ended.append(await asyncio.wait_for(receive(), 1))

        await asyncio.wait_for(line.carry(talks, socket_scope(), silent, never_read), 10)

    on_a_loop.run(run())
    assert ended == [line.GONE]


def test_what_is_sent_arrives_whole_and_in_order():
    got = []

    async def send(message):
        await asyncio.sleep(0)
        got.append(message["text"])

    async def talks(scope, receive, send):
        for count in range(100):
            await send({"type": "websocket.send", "text": str(count)})

    on_a_loop.run(line.carry(talks, socket_scope(), None, send))
    assert got == [str(count) for count in range(100)]


def test_there_are_only_so_many_sessions_and_one_that_ends_makes_room():
    sent = []

    async def send(message):
        sent.append(message)

    async def run():
        over = asyncio.Event()

        async def waits(scope, receive, send):
            await over.wait()

        door = guard.Guard(waits, guard.LOOPBACK)
        held = [asyncio.create_task(door(socket_scope(), None, send)) for _ in range(guard.MOST_SESSIONS)]
        await asyncio.sleep(0)
        await door(socket_scope(), None, send)
        assert sent == [{"type": "websocket.close", "code": 1013, "reason": guard.FULL}]
        over.set()
        await asyncio.gather(*held)
        assert door.sessions == 0

    on_a_loop.run(run())


@pytest.fixture(scope="module")
def own():
    found = Server()
    wait_until(lambda: health(found)["ready"], 120)
    yield found
    found.stop()


def health(server):
    with urllib.request.urlopen(f"{server.address}/health", timeout=30) as answer:
        return json.load(answer)


def wait_until(true, seconds=30.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


def connect(server, **more):
    from websockets.sync.client import connect as opened

    address = f"ws://127.0.0.1:{server.port}/websocket/"
    return opened(address, origin=server.address, max_size=None, **({"max_queue": None} | more))


def start(server, query="?tab=check", **more):
    """A session as a browser begins one."""
    wire = connect(server, **more)
    data = {
        ".clientdata_url_search": query, ".clientdata_url_protocol": "http:", ".clientdata_url_hostname": "127.0.0.1",
        ".clientdata_url_port": "", ".clientdata_url_pathname": "/", ".clientdata_url_hash_initial": "",
        ".clientdata_url_hash": "", ".clientdata_singletons": "", ".clientdata_pixelratio": 1,
    }  # fmt: skip
    wire.send(json.dumps({"method": "init", "data": data}))
    assert "config" in wire.recv(timeout=30)
    return wire


@pytest.mark.slow
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_a_session_under_another_name_or_from_another_page_is_refused(own, host):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus):
        connect(own, additional_headers={"Host": host})
    from websockets.sync.client import connect as opened

    with pytest.raises(InvalidStatus):
        opened(f"ws://127.0.0.1:{own.port}/websocket/", origin=f"http://{host}")


WRONG_TYPES = {
    "check_record": {"name": 5, "text": 7}, "evidence_set": [1], "evidence_export": 3, "evidence_run": {"name": "../x"},
    "check_part": {}, "tab": {}, "explore_days": [], "evidence_find": {}, "check_save": 1, "evidence_asked": None,
}  # fmt: skip
MALFORMED = [
    "{not json", "5", '{"method": "nothing"}', '{"method": "update", "data": 5}',
    '{"tag": 1, "method": "uploadInit", "args": [5]}', json.dumps({"method": "update", "data": WRONG_TYPES}),
]  # fmt: skip


@pytest.mark.slow
def test_malformed_messages_and_too_large_ones_hurt_only_their_own_session(own):
    from websockets.exceptions import ConnectionClosed

    for text in [*MALFORMED, "x" * 1_200_000]:
        wire = start(own)
        try:
            wire.send(text)
            for _ in range(5):
                wire.recv(timeout=0.2)
        except (ConnectionClosed, TimeoutError):
            pass
        finally:
            wire.close()
        assert health(own)["ready"]
    start(own).close()  # and the next is served


@pytest.mark.slow
def test_a_flood_of_one_session_leaves_the_others_their_turn(own):
    wire, begun = start(own, max_queue=4), time.monotonic()  # it does not read what it asks for either
    try:
        for count in range(3000):
            wire.send(
                json.dumps({"method": "update", "data": {"check_regimen": f"{count % 900 + 100} mg tid"}})
            )
            if time.monotonic() - begun > 3:
                break
        asked = time.monotonic()
        assert health(own)["ready"]
        start(own).close()
        assert time.monotonic() - asked < 10  # well under a second where the cores are free
    finally:
        wire.close()


@pytest.mark.slow
def test_sessions_that_close_free_their_threads_processes_and_files(own):
    process = psutil.Process(own.process.pid)
    kept = lambda: len(list(Path("/tmp").glob("spasmlab-*")))
    start(own).close()
    wait_until(lambda: not process.children(recursive=True))
    threads, files, handles = process.num_threads(), kept(), process.num_fds()
    wires = [start(own) for _ in range(4)]
    wires[0].send(json.dumps({"method": "update", "data": {"check_advise:shiny.action": 1}}))
    wait_until(lambda: process.children(recursive=True), 90)
    for wire in wires:
        wire.close()
    wait_until(lambda: not process.children(recursive=True))
    wait_until(lambda: kept() <= files)
    wait_until(lambda: process.num_fds() <= handles + 2)
    assert process.num_threads() <= threads + 4
    assert os.path.exists(f"/proc/{own.process.pid}")
