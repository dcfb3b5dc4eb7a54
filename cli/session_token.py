"""`alsolike session-token`: a token as the shop's backend would mint it, to try the routes for browsers."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from alsolike.events.session_tokens import Session, mint
from alsolike.runtime.errors import InvalidInput
from cli.options import Stack, State
from operations.client import deployment
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment

_SECONDS = {"s": 1, "m": 60, "h": 3_600}


def session_token(
    session: Annotated[str, typer.Option("--session", metavar="ID", help="Session ID.", show_default=False)],
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="User who is logged in.")] = None,
    lifetime: Annotated[str, typer.Option(help="Validity in seconds, or with a unit: s, m or h. At most 1h.")] = "15m",
    stack: Stack = None,
    state: State = None,
) -> None:
    """Print a session token for a browser.

    A browser sends events and reads recommendations with it. The command needs read access to the deployment's session
    key. A shop's backend creates its own tokens, see docs/sessions.md.

    Example: alsolike session-token --session s-1 --user 42
    """
    lifetime_s = _seconds(lifetime)
    where = deployment.resolve(stack=stack, state=state)
    token = mint(_key(where), Session(session, user), now_s=int(time.time()), lifetime_s=lifetime_s)
    sys.stdout.write(f"{token}\n")


def _key(where: Deployment) -> bytes:
    with translate_aws_errors(f"secret {where.names.session_key_arn}"):
        answer = where.client("secretsmanager").get_secret_value(SecretId=where.names.session_key_arn)
    return str(answer["SecretString"]).encode()


def _seconds(text: str) -> int:
    number, unit = (text[:-1], text[-1]) if text[-1:] in _SECONDS else (text, "s")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise InvalidInput(f"--lifetime is {text!r}, expected seconds, or a number with s, m or h, such as 15m")
    return int(number) * _SECONDS[unit]
