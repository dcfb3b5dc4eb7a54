"""Signed request to the API that tests if API Gateway passes the signature to the function."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping

from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.runtime.errors import Unavailable
from alsolike.signing.signature import NO_SIGNATURE, UNKNOWN_KEY
from operations.doctor.finding import Finding, failed, passed, unknown

CHECK = "signed requests"
_TIMEOUT_S = 30


def post(url: str, headers: Mapping[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(url, b"{}", dict(headers), method="POST")  # noqa: S310 (the URL of the deployment)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
            return response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        raise Unavailable(f"{url}: {error}") from error


def signed_headers(url: str, *, region: str) -> dict[str, str]:
    """Return the headers of a request that is signed with a nonexistent key."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=b"{}")
    SigV4Auth(Credentials("ALSODOCTOR0000000000", "doctor"), "personalize", region).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def signed_url(api_url: str) -> str:
    return f"{api_url.rstrip('/')}{SIGNED_PREFIX}/recommendations"


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
