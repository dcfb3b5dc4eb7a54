"""`alsolike mcp` with the API, called by the client of the protocol's own package with a read-only key."""

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import closing

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.booted.shop import eventually
from tests.fakes.ports import reserved_port

ALSOLIKE = ["-c", "from cli.main import main; main()"]


@pytest.fixture(scope="module")
def key(shop):
    created: dict[str, str] = shop.alsolike("keys", "create", "assistant", "--access", "read")["environment"]
    return {**os.environ, **created}


@pytest.fixture(scope="module")
def port(key):
    port = reserved_port()
    command = [sys.executable, *ALSOLIKE, "mcp", "--http", "--port", str(port)]
    with subprocess.Popen(command, env=key) as serving:
        try:
            assert eventually(lambda: _listens(port))
            yield port
        finally:
            serving.terminate()


def _listens(port):
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


async def _call(client, tool, **arguments):
    answer = await client.call_tool(tool, arguments)
    print(f"{tool} {arguments}\n{answer.structured_content}")
    assert not answer.is_error, answer
    return answer.structured_content


def _api_items(shop, user):
    return shop.get(f"/users/{user}/recommendations?numResults=5").items


def _ids(answer):
    return [item["item_id"] for item in answer["items"]]


def test_tools_answer_over_standard_input_as_the_api_does(shop, key):
    started = StdioServerParameters(command=sys.executable, args=[*ALSOLIKE, "mcp", "--user", "user-0"], env=key)

    async def converse():
        async with Client(started) as client:
            recommended = await _call(client, "recommend", limit=5)
            first = _ids(recommended)[0]
            return {
                "recommend": recommended,
                "search": await _call(client, "search", query="sof"),
                "similar": await _call(client, "similar", item_id=first, limit=3),
                "complete_cart": await _call(client, "complete_cart", item_ids=[first], limit=3),
                "explain": await _call(client, "explain", item_id=first),
            }

    answers = asyncio.run(converse())

    assert _ids(answers["recommend"]) == _api_items(shop, "user-0")
    assert answers["recommend"]["source"] == "model"
    assert len(_ids(answers["similar"])) == len(_ids(answers["complete_cart"])) == 3
    assert _ids(answers["search"]) == shop.get("/search?query=sof&userId=user-0&numResults=10").items
    assert _ids(answers["search"])
    assert answers["explain"]["reasons"][0]["contribution"] > 0


def test_user_over_http_is_in_a_header(shop, port):
    async def recommended(user):
        headers = {} if user is None else {"x-alsolike-user": user}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
            async with Client(transport) as client:
                return await _call(client, "recommend", limit=5)

    personal, anonymous = asyncio.run(recommended("user-0")), asyncio.run(recommended(None))

    assert _ids(personal) == _api_items(shop, "user-0")
    assert (personal["source"], anonymous["source"]) == ("model", "popular")
