"""signatures: a signed request for recommendations, compared with the same request with a token."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import alsolike.api.handler
from alsolike.declarations.routes import READ_RECOMMENDATIONS, SIGNED_PREFIX
from alsolike.signing.key_pairs import SigningKey
from alsolike.snapshot.snapshot import Snapshot
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.recommending import dependencies_of, history_of, segment, write_model
from benchmarks.synthetic_models import vectors_model
from functions.recommend import dispatch, handler
from functions.recommend.state.model import Model

ITEMS = 20_000
ROUTE = "/recommendations"
KEY_ID, SECRET = "ALSOABCDEFGHIJKLMNOP", "s" * 40
FILLINGS = {"0.1 KB": 0, "3 KB": 95}
"""Number of excluded items by size of the request body."""


class _Keys:
    """Keys in memory. The measured time excludes the periodic reads of keys."""

    def find(self, key_id: str, *, now_s: float) -> SigningKey:
        return SigningKey(key_id, "bench", b"", (READ_RECOMMENDATIONS,), created_ms=0)

    def secret(self, key: SigningKey) -> str:
        return SECRET

    def mark_used(self, key: SigningKey, *, source: str, now_s: float) -> None:
        """Do nothing, because the product seldom writes the use of a key."""


def signatures() -> Iterator[Result]:
    """Measure requests for 25 items. The time excludes the verification of tokens, which is the task of API Gateway."""
    os.environ |= dict.fromkeys(("PROFILES_TABLE", "USERS_TABLE", "ARTEFACT_BUCKET", "SECRET_ARN"), "bench")
    setattr(alsolike.api.handler, "key_reader", lambda _: _Keys())  # noqa: B010
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        write_model(vectors_model(items=ITEMS, dimensions=64), Path(name))
        dependencies = dependencies_of(
            Model(Path(name)), Snapshot([segment(ITEMS)], version="bench"), history_of(ITEMS)
        )
        setattr(dispatch, "current_dependencies", lambda: dependencies)  # noqa: B010
        for size, excluded in FILLINGS.items():
            with quiet():
                yield _compared(size, excluded)


def _compared(size: str, excluded: int) -> Result:
    items = ", ".join(f'"excluded-item-with-a-long-id-{number}"' for number in range(excluded))
    body = f'{{"userId": "anna", "exclude": [{items}]}}' if items else '{"userId": "anna"}'
    signed = _signed(body)
    plain = {**signed, "routeKey": f"POST {ROUTE}", "rawPath": ROUTE}
    for event in (signed, plain):
        assert handler.lambda_handler(event, CONTEXT)["statusCode"] == 200
    works = {
        "signed": lambda: handler.lambda_handler(signed, CONTEXT),
        "token": lambda: handler.lambda_handler(plain, CONTEXT),
    }
    medians = cpu_medians_ms(works, rounds=30, repeats=40)
    work = f"request for recommendations, signed, body of {size}"
    return Result("signatures", work, medians["signed"], "the same with a token", medians["token"])


def _signed(body: str) -> dict[str, Any]:
    """Return the Lambda event of a request that botocore signed."""
    url = f"https://api.example{SIGNED_PREFIX}{ROUTE}"
    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body.encode())
    SigV4Auth(Credentials(KEY_ID, SECRET), "personalize", "eu-west-1").add_auth(request)
    return {
        "routeKey": f"POST {SIGNED_PREFIX}{ROUTE}",
        "rawPath": f"{SIGNED_PREFIX}{ROUTE}",
        "rawQueryString": "",
        "headers": {"host": "api.example", **{name.lower(): str(value) for name, value in request.headers.items()}},
        "requestContext": {"http": {"method": "POST", "sourceIp": "192.0.2.1"}, "requestId": "r1"},
        "body": body,
        "isBase64Encoded": False,
    }
