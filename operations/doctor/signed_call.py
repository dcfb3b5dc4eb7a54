"""Signed request to the API that tests if API Gateway passes the signature to the function."""

from __future__ import annotations

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.runtime.errors import Unavailable
from alsolike.signing.signature import NO_SIGNATURE, UNKNOWN_KEY
from operations.client.signed_api import signed
from operations.doctor.finding import Finding, failed, passed, unknown

CHECK = "signed requests"
_TIMEOUT_S = 30


def post(request: AWSPreparedRequest) -> tuple[int, str]:
    try:
        answer = URLLib3Session(timeout=_TIMEOUT_S).send(request)
    except BotoCoreError as error:
        raise Unavailable(f"{request.url}: {error}") from error
    return answer.status_code, answer.content.decode(errors="replace")


def probe(api_url: str, *, region: str) -> AWSPreparedRequest:
    """Return a request that is signed with a nonexistent key."""
    url = f"{api_url.rstrip('/')}{SIGNED_PREFIX}/recommendations"
    return signed("POST", url, b"{}", key=("ALSODOCTOR0000000000", "doctor"), region=region)


def judge(status: int, body: str) -> Finding:
    if UNKNOWN_KEY in body:
        return passed(CHECK, "the function received the header Authorization and refused the unknown key")
    if NO_SIGNATURE in body:
        return failed(
            CHECK,
            "the function received no header Authorization",
            "put CloudFront or a proxy of yours in front that sends the header, or call the API with tokens",
        )
    return unknown(
        CHECK,
        f"the API answered {status}: {body[:200]}",
        "look for the request in the access log of the API; without an entry, API Gateway refused the header",
    )
