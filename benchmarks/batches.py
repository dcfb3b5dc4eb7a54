"""recommend: a batch of users in one invocation, compared with a request per user."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from alsolike.snapshot.snapshot import Snapshot
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.recommending import K, dependencies_of, history_of, segment, write_bundle
from functions.recommend import dispatch, handler
from functions.recommend.state.model import Model

USERS = 500
ITEMS = 20_000


def recommend_batch() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as directory:
        write_bundle(ITEMS, Path(directory))
        dependencies = dependencies_of(
            Model(Path(directory)), Snapshot([segment(ITEMS)], version="bench"), history_of(ITEMS)
        )
    setattr(dispatch, "current_dependencies", lambda: dependencies)  # noqa: B010
    users = [f"user-{number}" for number in range(USERS)]
    body = orjson.dumps({"userId": "anna", "numResults": K}).decode()
    request = {"routeKey": "POST /recommendations", "body": body}

    def single() -> None:
        for _ in users:
            handler.lambda_handler(request, CONTEXT)

    batch = {"batch": {"users": users, "numResults": K}}
    with quiet():
        medians = cpu_medians_ms({"batch": lambda: handler.lambda_handler(batch, CONTEXT), "single": single}, rounds=7)
    yield Result(
        "recommend_batch",
        f"a batch of {USERS} users, {ITEMS:,} items",
        medians["batch"],
        "single requests, handler alone",
        medians["single"],
        units_per_call=USERS,
        note="profiles in memory: neither way's DynamoDB, gateway and token are in it",
    )
