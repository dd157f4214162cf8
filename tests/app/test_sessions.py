"""Many sessions on one server, without browsers: each gets its own numbers, and a move costs the server little."""

import asyncio
import importlib.util
import json
from pathlib import Path

import pytest

import on_a_loop

FILE = Path(__file__).parents[2] / "benchmarks" / "app_latency.py"
SESSIONS, MOVES = 10, 4
MOST_MS = 100.0  # of the server's processor for a move, whatever else runs on the machine


@pytest.fixture(scope="module")
def latency():
    spec = importlib.util.spec_from_file_location("app_latency", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_ten_sessions_at_once_are_all_answered_and_a_move_costs_little(server, latency):
    on_a_loop.run(latency.on_socket(server.address, 2, 0, 0))  # what is only made once
    before = latency.spent_ms(server.process.pid)

    async def together():
        return await asyncio.gather(
            *(latency.on_socket(server.address, MOVES, 0.3, 11 * i) for i in range(SESSIONS))
        )

    took = on_a_loop.run(together())
    assert [len(times) for times in took] == [
        MOVES
    ] * SESSIONS  # on_socket waits for the numbers of its own dose
    starting = 6  # a session's start is worth so many moves
    assert (latency.spent_ms(server.process.pid) - before) / (SESSIONS * (MOVES + starting)) < MOST_MS


@pytest.mark.slow
def test_a_session_that_sends_nonsense_harms_no_other(server, latency):
    import websockets

    async def nonsense():
        address = server.address.replace("http", "ws") + "/websocket/"
        begin = {
            "tab": "explore",
            ".clientdata_url_search": "?explore.days=%00&tab=\ud83d",
            "explore_dose": "much",
        }
        for text in ("not json", json.dumps({"method": "init", "data": begin}), "[]"):
            try:
                async with websockets.connect(address) as socket:
                    await socket.send(text)
                    await asyncio.wait_for(socket.recv(), 5)
            except (websockets.ConnectionClosed, TimeoutError):
                continue
        return await latency.on_socket(server.address, 1, 0, 5)

    assert len(on_a_loop.run(nonsense())) == 1


@pytest.mark.slow
def test_a_message_that_is_too_large_ends_its_session_alone(server, latency):
    import websockets

    async def large():
        address = server.address.replace("http", "ws") + "/websocket/"
        async with websockets.connect(address, max_size=None) as socket:
            await socket.send(json.dumps({"method": "init", "data": {"x": "y" * 1_500_000}}))
            with pytest.raises(websockets.ConnectionClosed):
                while True:
                    await asyncio.wait_for(socket.recv(), 10)
        return await latency.on_socket(server.address, 1, 0, 7)

    assert len(on_a_loop.run(large())) == 1
