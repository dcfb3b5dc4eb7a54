"""Parser of AWS Signature Version 4 in requests to the API, and verification with a secret.

Clients of Amazon Personalize sign for the service `personalize`. They may omit the body's hash, so the verification
computes it. All regions are accepted, because a key is valid for a single deployment.

References
----------
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from alsolike.runtime.errors import SignatureRefused
from alsolike.runtime.http import request_body
from alsolike.runtime.struct import struct

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "personalize"

INVALID = "InvalidSignatureException"
UNKNOWN_KEY = "UnrecognizedClientException"
NO_SIGNATURE = "MissingAuthenticationTokenException"
MALFORMED = "IncompleteSignatureException"

_REQUIRED = ("host", "x-amz-date")
_REQUIRED_IF_SENT = ("x-amz-target", "x-amz-content-sha256")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key_id>[A-Za-z0-9]{{1,64}})/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]{{1,40}})"
    rf"/(?P<service>[a-z-]{{1,40}})/aws4_request, ?SignedHeaders=(?P<headers>[a-z0-9;-]{{1,2000}}),"
    rf" ?Signature=(?P<signature>[0-9a-f]{{64}})",
    re.ASCII,
)
_TIME = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_SPACES = re.compile(" +")
_UNRESERVED = "-_.~"
_SURROGATES = "surrogatepass"
"""Error handler for unpaired surrogates, which headers may contain. The handler encodes different surrogates as
different bytes."""


@struct
class Signature:
    """Parts of a request's signature before verification.

    Attributes
    ----------
    time, signed_s
        Value of the header `x-amz-date`, and the same time in seconds since 1970.
    headers
        Names of the signed headers, in lower case.
    """

    key_id: str
    date: str
    region: str
    time: str
    signed_s: float
    headers: tuple[str, ...]
    signature: str


def read_signature(event: Mapping[str, Any]) -> Signature:
    """Parse the signature of a request. `verify` checks the signature itself."""
    sent: Mapping[str, str] = event.get("headers") or {}
    if "x-amz-security-token" in sent:
        raise SignatureRefused("session tokens are not accepted; use a key of `alsolike keys create`", UNKNOWN_KEY)
    if "authorization" not in sent:
        raise SignatureRefused("the request has no Authorization header; presigned URLs are not accepted", NO_SIGNATURE)
    match = _AUTHORIZATION.fullmatch(sent["authorization"])
    if match is None:
        expected = f"{ALGORITHM} Credential=…, SignedHeaders=…, Signature=…"
        raise SignatureRefused(f"the Authorization header is malformed, expected {expected}", MALFORMED)
    headers = tuple(match["headers"].split(";"))
    needed = (*_REQUIRED, *(name for name in _REQUIRED_IF_SENT if name in sent))
    if list(headers) != sorted({*headers, *needed}) or not all(name in sent for name in headers):
        raise SignatureRefused(f"SignedHeaders must be sorted and contain {', '.join(needed)}", MALFORMED)
    time = sent["x-amz-date"]
    try:
        if not _TIME.fullmatch(time):
            raise ValueError(time)
        signed_s = dt.datetime.fromisoformat(time).timestamp()
    except ValueError as error:
        raise SignatureRefused("x-amz-date is not a time such as 20260131T235959Z", MALFORMED) from error
    if match["date"] != time[:8] or match["service"] != SERVICE:
        raise SignatureRefused(f"the credential's scope must have the date of x-amz-date and {SERVICE}", INVALID)
    return Signature(match["key_id"], match["date"], match["region"], time, signed_s, headers, match["signature"])


def verify(event: Mapping[str, Any], signature: Signature, *, secret: str) -> None:
    body_hash = hashlib.sha256(request_body(event)).hexdigest()
    if event["headers"].get("x-amz-content-sha256", body_hash) != body_hash:
        raise SignatureRefused("x-amz-content-sha256 is not the hash of the body", INVALID)
    key = _signing_key(secret, signature.date, signature.region)
    scope = f"{signature.date}/{signature.region}/{SERVICE}/aws4_request"
    matches = False
    for path in _paths(event["rawPath"]):
        canonical = hashlib.sha256(_canonical(event, signature.headers, path=path, body_hash=body_hash)).hexdigest()
        text = f"{ALGORITHM}\n{signature.time}\n{scope}\n{canonical}"
        expected = hmac.digest(key, text.encode(), "sha256").hex()
        matches |= hmac.compare_digest(expected, signature.signature)
    if not matches:
        raise SignatureRefused("the signature does not match; check the secret access key", INVALID)


@functools.lru_cache(maxsize=256)
def _paths(path: str) -> Sequence[str]:
    """Return the possible canonical forms of a path that API Gateway has decoded.

    AWS's clients encode the encoded path again. Some other clients do not.
    """
    once = quote(path, safe="/~", errors=_SURROGATES)
    twice = quote(once, safe="/~")
    return (once,) if once == twice else (twice, once)


def _canonical(event: Mapping[str, Any], headers: Sequence[str], *, path: str, body_hash: str) -> bytes:
    sent: Mapping[str, str] = event["headers"]
    lines = [f"{name}:{_SPACES.sub(' ', sent[name].strip(' '))}" for name in headers]
    query = "&".join(f"{name}={value}" for name, value in sorted(_parameters(event.get("rawQueryString") or "")))
    parts = (event["requestContext"]["http"]["method"], path, query, *lines, "", ";".join(headers), body_hash)
    return "\n".join(parts).encode(errors=_SURROGATES)


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            yield _encoded(name), _encoded(value)


def _encoded(text: str) -> str:
    """Return a name or value of a query string in canonical form. As in API Gateway, a plus sign means a space."""
    return quote(unquote_to_bytes(text.replace("+", " ").encode(errors=_SURROGATES)), safe=_UNRESERVED)


@functools.lru_cache(maxsize=256)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    """Return the signing key of a day and region. The key is cached, because the derivation computes four hashes."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
