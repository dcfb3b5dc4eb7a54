import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.privacy.pseudonyms import DIGITS, Pseudonyms, pseudonyms_of
from alsolike.runtime.errors import MissingSetting, Unavailable

KEY = b"k" * 32
pseudonyms = Pseudonyms(KEY)


def test_hash_is_hmac_sha256_of_type_and_id():
    assert pseudonyms.user("ann") == hmac.new(KEY, b"user\0ann", hashlib.sha256).hexdigest()


@given(st.text(), st.text())
def test_different_ids_and_types_have_different_hashes(one, other):
    hashes = [
        hash_of(value)
        for value in {one, other}
        for hash_of in (pseudonyms.user, pseudonyms.session, pseudonyms.erased_user)
    ]

    assert len(set(hashes)) == len(hashes)
    assert {len(each) for each in hashes} == {DIGITS}


def test_other_secret_gives_other_hashes():
    assert Pseudonyms(b"x" * 32).user("ann") != pseudonyms.user("ann")


def test_lone_surrogate_has_a_hash():
    assert len(pseudonyms.user("\ud800")) == DIGITS


def test_short_secret_is_refused():
    with pytest.raises(MissingSetting, match="has 5 bytes, expected 32"):
        Pseudonyms(b"short")


def test_secret_is_read_once(aws):
    secrets = aws("secretsmanager")
    arn = secrets.create_secret(Name="key", SecretString="s" * 64)["ARN"]

    first = pseudonyms_of(secrets, arn)
    secrets.put_secret_value(SecretId=arn, SecretString="t" * 64)

    assert pseudonyms_of(secrets, arn) is first
    assert first.user("ann") == Pseudonyms(b"s" * 64).user("ann")


def test_unreadable_secret_error_names_the_secret(aws):
    with pytest.raises(Unavailable, match="secret absent: "):
        pseudonyms_of(aws("secretsmanager"), "absent")
