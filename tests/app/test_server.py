"""The server without a browser: who may call, how much, and what a field or the JSON door cannot reach."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import on_a_loop
from spasmlab.app import api, guard, server
from spasmlab.errors import InputError


def ask(address, body=None, **headers):
    request = urllib.request.Request(address, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read().decode()


def raw(address, *lines):
    """Send lines as they are, close, and read the whole answer."""
    host, port = address.removeprefix("http://").split(":")
    text = "\r\n".join([*lines, f"Host: {host}", "Connection: close", "", ""])
    answer = b""
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(text.encode())
        while part := wire.recv(65536):
            answer += part
    return answer


def calling(app, headers=(), path="/", kind="http", body=(b"",)):
    """Call an ASGI program once; the messages it sent."""
    sent, bodies = [], list(body)
    scope = {
        "type": kind,
        "method": "POST",
        "path": path,
        "headers": [(k.encode(), v.encode()) for k, v in headers],
    }

    async def receive():
        return {"type": "http.request", "body": bodies.pop(0), "more_body": bool(bodies)}

    async def send(message):
        sent.append(message)

    on_a_loop.run(app(scope, receive, send))
    return sent


async def reads_all(scope, receive, send):
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"read"})


HOME = [("host", "127.0.0.1:8000")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (HOME, 200),
        ([("host", "localhost")], 200),
        ([("host", "[::1]:8000")], 200),
        ([("host", "evil.example")], 421),
        ([], 421),
        ([*HOME, ("origin", "http://127.0.0.1:8000")], 200),
        ([*HOME, ("origin", "http://evil.example")], 403),
        ([*HOME, ("origin", "null")], 403),
        ([*HOME, ("content-length", "2000000")], 413),
        ([*HOME, ("content-length", "much")], 413),
    ],
    ids=str,
)
def test_the_guard_lets_in_this_machine_alone(headers, status):
    sent = calling(guard.Guard(reads_all, guard.LOOPBACK), headers)
    assert sent[0]["status"] == status
    assert dict(sent[0]["headers"])[b"x-content-type-options"] == b"nosniff"


def test_a_body_that_grows_past_the_limit_is_refused_while_it_is_read():
    door = guard.Guard(reads_all, guard.LOOPBACK, most=100)
    assert calling(door, HOME, body=[b"x" * 60, b"x" * 60])[0]["status"] == 413
    assert calling(door, HOME, body=[b"x" * 60, b"x" * 40])[0]["status"] == 200


def test_a_socket_from_another_origin_is_closed():
    sent = calling(
        guard.Guard(reads_all, guard.LOOPBACK), [*HOME, ("origin", "http://evil.example")], kind="websocket"
    )
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": sent[0]["reason"]}]


REFUSED = [
    ("run", {"drug": "/etc/passwd.toml"}, "not a file"),
    ("run", {"drug": "./mine.toml"}, "not a file"),
    ("run", {"regimen": "doses.csv"}, "not a file"),
    ("run", {"out": "/tmp/here"}, "unknown option of run 'out'"),
    ("run", {"events": "x"}, "unknown option of run 'events'"),
    ("run", {"drug": "--out=/tmp/x"}, "not an option"),
    ("run", {"drug": ["gabapentin"]}, "must be a text or a number"),
    ("trial", {"file": "../secret.toml"}, "not a file"),
    ("check", {"fhir": "patient.json"}, "unknown option of check 'fhir'"),
    ("app", {"port": 1}, "unknown verb 'app'"),
    ("fit", {}, "unknown verb 'fit'"),
    ("run", ["drug"], "one JSON object"),
]


@pytest.mark.parametrize(("verb", "asked", "says"), REFUSED, ids=str)
def test_the_json_door_reaches_no_file_no_option_and_no_other_command(verb, asked, says):
    with pytest.raises(InputError, match=says):
        api.line(verb, asked)


def test_the_json_door_makes_the_command_line_it_means():
    asked = {"drug": "gabapentin", "regimen": "600 mg tid", "days": 2, "condition": "healthy"}
    assert api.line("run", asked) == [
        "run", "--drug", "gabapentin", "--regimen", "600 mg tid", "--days", "2", "--condition", "healthy", "--json",
    ]  # fmt: skip
    assert api.line("explain", {"path": "chain.release.cooperativity"})[:2] == [
        "explain",
        "chain.release.cooperativity",
    ]


@pytest.fixture(scope="module")
def started():
    found = subprocess.Popen(
        [sys.executable, "-m", "spasmlab", "app", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    said = found.stderr.readline()
    yield "http://" + said.split("http://")[1].split()[0]
    found.send_signal(signal.SIGINT)
    assert found.wait(10) in {0, 130, -signal.SIGINT}


def test_the_json_door_answers_as_the_command_line_does(started):
    status, text = ask(f"{started}/api/explain", json.dumps({"path": "chain.release.cooperativity"}).encode())
    assert status == 200 and json.loads(text)["command"] == "explain"
    status, text = ask(f"{started}/api/explain", json.dumps({"path": "chain.release.cooperativty"}).encode())
    assert status == 400 and "did you mean" in json.loads(text)["error"]
    assert ask(f"{started}/api/run", b"{not json")[0] == 400
    assert b"413" in raw(started, "POST /api/run HTTP/1.1", "Content-Length: 1500000").splitlines()[0]
    assert ask(f"{started}/api/run", b"{}", Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/lib/../../../etc/passwd", "/lib/%2e%2e/%2e%2e/etc/passwd"]
)
def test_no_path_leads_out_of_the_page(started, path):
    answer = raw(started, f"GET {path} HTTP/1.1")
    assert answer.split(b" ")[1] == b"404" and b"root:" not in answer


def test_it_listens_on_loopback_alone_unless_told(started):
    port = int(started.rsplit(":", 1)[1])
    listening = [
        row.split()[1] for row in Path("/proc/net/tcp").read_text().splitlines()[1:] if row.split()[3] == "0A"
    ]
    assert [place.split(":")[0] for place in listening if int(place.split(":")[1], 16) == port] == [
        "0100007F"
    ]


def test_a_place_that_is_taken_is_one_line(started):
    with pytest.raises(InputError, match=r"cannot listen on 127\.0\.0\.1, port .*possible: another --port"):
        server.listen("127.0.0.1", int(started.rsplit(":", 1)[1]))


def test_without_shiny_it_says_what_to_install(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfound = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'shiny' else found(name, *a)\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [sys.executable, "-m", "spasmlab", "app"], capture_output=True, text=True, env=environment, timeout=30
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        "error: 'spasmlab app' needs shiny, which is not installed; possible: pip install 'spasmlab[app]'\n"
    )


def test_help_stays_quick_with_the_page_installed():
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "spasmlab", "--help"], capture_output=True, check=True)
        took.append(time.perf_counter() - begun)
    loaded = "import sys, spasmlab.cli; print({'shiny', 'numpy', 'starlette'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip()
        == "set()"
    )
    assert min(took) < 2.0  # 0.7 s where the cores are free
