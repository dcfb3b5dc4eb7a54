"""Session tokens, which a shop's backend creates for browsers."""

from __future__ import annotations

from alsolike.events.session_tokens import Session, mint
from alsolike.runtime.errors import InvalidInput
from operations import times
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment

_SECONDS = {"s": 1, "m": 60, "h": 3_600}


def create(deployment: Deployment, session_id: str, user_id: str | None = None, *, lifetime_s: int) -> str:
    with translate_aws_errors(f"secret {deployment.names.session_key_arn}"):
        answer = deployment.client("secretsmanager").get_secret_value(SecretId=deployment.names.session_key_arn)
    key = str(answer["SecretString"]).encode()
    return mint(key, Session(session_id, user_id), now_s=times.now_ms() // 1000, lifetime_s=lifetime_s)


def seconds(text: str, *, option: str) -> int:
    """Parse a duration such as 900, 15m or 1h."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _SECONDS else (text, "s")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise InvalidInput(f"{option} is {text!r}, expected seconds, or a number with s, m or h, such as 15m")
    return int(number) * _SECONDS[unit]
