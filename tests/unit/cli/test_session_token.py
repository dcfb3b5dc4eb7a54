"""`alsolike session-token` prints tokens that the deployment's authorizer accepts."""

import time

import pytest

from alsolike.events.session_tokens import Session, verify
from alsolike.runtime.errors import InvalidInput, Unavailable
from tests.unit.cli.command_line import run
from tests.unit.cli.shop import NAMES, put_parameters

KEY, NEW = "k" * 64, "n" * 64


@pytest.fixture
def secrets(deployment):
    put_parameters(deployment.client("ssm"), "shop")
    client = deployment.client("secretsmanager")
    client.create_secret(Name=NAMES.session_key_arn.rpartition(":")[2], SecretString=KEY)
    return client


def session_token(*arguments):
    return run("session-token", "--env", "shop", *arguments)


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("arguments", "session"),
    [(("--session", "s1"), Session("s1")), (("--session", "ü 1", "--user", "anna"), Session("ü 1", "anna"))],
)
def test_token_of_the_session_is_printed_and_valid_for_15_minutes(arguments, session):
    began_s = time.time()
    result = session_token(*arguments)

    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    token = result.stdout.rstrip("\n")
    assert verify(token, [KEY.encode()], now_s=began_s + 899) == session
    with pytest.raises(InvalidInput, match="expired"):
        verify(token, [KEY.encode()], now_s=time.time() + 901)


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(("lifetime", "seconds"), [("30", 30), ("30s", 30), ("2m", 120), ("1h", 3600)])
def test_lifetime_is_in_seconds_or_has_a_unit(lifetime, seconds):
    began_s = time.time()
    token = session_token("--session", "s1", "--lifetime", lifetime).stdout.strip()

    verify(token, [KEY.encode()], now_s=began_s + seconds - 1)
    with pytest.raises(InvalidInput, match="expired"):
        verify(token, [KEY.encode()], now_s=time.time() + seconds + 1)


def test_token_is_signed_with_the_current_key(secrets):
    secrets.put_secret_value(SecretId=NAMES.session_key_arn.rpartition(":")[2], SecretString=NEW)

    token = session_token("--session", "s1").stdout.strip()

    assert verify(token, [NEW.encode()], now_s=time.time()) == Session("s1")


def test_unreadable_key_error_names_the_secret(deployment):
    put_parameters(deployment.client("ssm"), "shop")

    with pytest.raises(Unavailable, match=r"secret arn:aws:secretsmanager:.*:session-key: "):
        session_token("--session", "s1")
