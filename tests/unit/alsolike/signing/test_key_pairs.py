import dataclasses

import pytest
from botocore.exceptions import EndpointConnectionError

from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.signing.key_pairs import CHECK_S, KeyReader, KeyUse
from operations.client.deployment import Deployment
from operations.keys import Keys, environment_variables
from tests.fakes.places import create_table
from tests.unit.cli.shop import KEY, NAMES

NOW_MS = 1_790_000_000_000
NOW_S = NOW_MS / 1000
HOUR_MS = 3_600_000
READ, WRITE = "alsolike/recommendations.read", "alsolike/events.write"


@pytest.fixture
def deployment(aws):
    create_table(aws("dynamodb"), NAMES.keys_table, key="key_id")
    key_arn = aws("kms").create_key()["KeyMetadata"]["Arn"]
    names = dataclasses.replace(NAMES, keys_encryption_arn=key_arn)
    return Deployment("shop", names, aws, lambda: KEY, is_local=False)


@pytest.fixture
def keys(deployment):
    return Keys(deployment.client, deployment.names)


@pytest.fixture
def reader(aws):
    return KeyReader(aws("dynamodb"), aws("kms"), NAMES.keys_table)


def test_created_key_is_read_with_its_secret(keys, reader):
    new = keys.create("checkout", scopes=[WRITE, READ], now_ms=NOW_MS)

    found = reader.find(new.key.key_id, now_s=NOW_S)

    assert found == new.key
    assert found.scopes == (WRITE, READ)
    assert reader.secret(found) == new.secret
    assert len(new.secret) == 40
    assert new.secret not in repr(new)


def test_secrets_are_encrypted_and_bound_to_their_key_id(keys, reader, aws):
    first, second = (keys.create(client, scopes=[READ], now_ms=NOW_MS) for client in ("a", "b"))

    items = aws("dynamodb").scan(TableName=NAMES.keys_table)["Items"]
    assert not [item for item in items if first.secret.encode() in item["secret"]["B"]]
    with pytest.raises(Unavailable, match="InvalidCiphertext"):
        reader.secret(dataclasses.replace(first.key, secret=second.key.secret))


def test_disabled_key_is_refused_within_a_minute(keys, reader):
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)
    assert reader.find(new.key.key_id, now_s=NOW_S)

    keys.disable(new.key.key_id)

    remembered, read_again = (reader.find(new.key.key_id, now_s=NOW_S + s) for s in (CHECK_S - 1, CHECK_S))
    assert remembered.is_active(now_ms=NOW_MS)
    assert not read_again.is_active(now_ms=NOW_MS)
    assert CHECK_S <= 60


def test_deleted_key_is_missing_within_a_minute(keys, reader):
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)
    assert reader.find(new.key.key_id, now_s=NOW_S)

    keys.delete(new.key.key_id)

    assert reader.find(new.key.key_id, now_s=NOW_S + CHECK_S) is None


def test_unknown_key_id_is_read_once_per_interval(reader, keys, cloud):
    for after_s in (0, 1, CHECK_S - 1, CHECK_S):
        assert reader.find("ALSOX", now_s=NOW_S + after_s) is None

    assert [call.operation for call in cloud.calls if call.operation == "dynamodb.GetItem"] == ["dynamodb.GetItem"] * 2


def test_key_expires(keys):
    key = keys.create("checkout", scopes=[READ], now_ms=NOW_MS, expires_ms=NOW_MS + 1).key

    assert key.is_active(now_ms=NOW_MS)
    assert not key.is_active(now_ms=NOW_MS + 1)


def test_cached_keys_remain_usable_during_an_outage(keys, reader, cloud):
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)
    found = reader.find(new.key.key_id, now_s=NOW_S)
    assert reader.secret(found) == new.secret
    for operation in ("dynamodb.GetItem", "kms.Decrypt"):
        cloud.outages[operation] = EndpointConnectionError(endpoint_url="https://aws")

    still = reader.find(new.key.key_id, now_s=NOW_S + 3_600)

    assert still == found
    assert reader.secret(found) == new.secret
    with pytest.raises(Unavailable):
        reader.find("ALSOX", now_s=NOW_S)


def test_key_use_is_written_once_per_minute(keys, reader, cloud):
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)

    for after_s in (0, 1, 59, 60, 61):
        key = reader.find(new.key.key_id, now_s=NOW_S + after_s)
        reader.mark_used(key, source="192.0.2.1" if after_s < 60 else "192.0.2.2", now_s=NOW_S + after_s)

    (key,) = keys.all()
    assert key.use == KeyUse(round((NOW_S + 60) * 1000), "192.0.2.2", calls=4)  # The fifth call is not written yet.
    assert len([call for call in cloud.calls if call.operation == "dynamodb.UpdateItem"]) == 2


def test_use_of_a_deleted_key_does_not_restore_it(keys, reader):
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)
    key = reader.find(new.key.key_id, now_s=NOW_S)
    keys.delete(new.key.key_id)

    reader.mark_used(key, source="192.0.2.1", now_s=NOW_S)

    assert keys.all() == []


def test_rotation_adds_a_second_key_with_the_same_scopes(keys):
    first = keys.create("checkout", scopes=[WRITE], now_ms=NOW_MS)

    second = keys.rotate("checkout", now_ms=NOW_MS + 1)

    assert second.key.scopes == (WRITE,)
    assert [key.is_active(now_ms=NOW_MS + 1) for key in keys.all()] == [True, True]
    with pytest.raises(InvalidInput, match="has 2 active keys"):
        keys.rotate("checkout", now_ms=NOW_MS + 2)
    keys.disable(first.key.key_id)
    keys.rotate("checkout", now_ms=NOW_MS + 3)


def test_change_of_a_missing_key_error_names_the_key(keys):
    for change in (keys.disable, keys.delete):
        with pytest.raises(NotFound, match="there is no key 'ALSOX'"):
            change("ALSOX")
    with pytest.raises(NotFound, match="client 'checkout' has no active key"):
        keys.rotate("checkout", now_ms=NOW_MS)
    with pytest.raises(InvalidInput, match="client is 'a b'"):
        keys.create("a b", scopes=[READ], now_ms=NOW_MS)


def test_commands_share_one_key_per_day(keys, deployment, reader):
    first = keys.command_key(now_ms=NOW_MS)

    assert keys.command_key(now_ms=NOW_MS + 22 * HOUR_MS) == first
    found = reader.find(first.key_id, now_s=NOW_S)
    assert set(found.scopes) == {READ, WRITE, "alsolike/admin"}
    assert reader.secret(found) == first.secret
    second = keys.command_key(now_ms=NOW_MS + 23 * HOUR_MS + 1)
    third = keys.command_key(now_ms=NOW_MS + 50 * HOUR_MS)
    assert [key.key_id for key in keys.all()] == [third.key_id]
    assert len({first, second, third}) == 3


@pytest.fixture
def regions(aws, deployment):
    """Return the keys of a deployment in two regions, and the keys and the reader of only the second region."""
    table = create_table(aws("dynamodb"), "keys-of-the-second-region", key="key_id")
    key_arn = aws("kms").create_key()["KeyMetadata"]["Arn"]
    names = dataclasses.replace(NAMES, keys_table=table, keys_encryption_arn=key_arn, region="eu-central-1")
    second = Deployment("shop", names, aws, lambda: KEY, is_local=False)
    both = Keys.of(dataclasses.replace(deployment, other_region=lambda: second))
    return both, Keys.of(second), KeyReader(aws("dynamodb"), aws("kms"), table)


def test_key_is_encrypted_and_valid_in_both_regions(regions, reader, cloud):
    both, _, second_reader = regions

    new = both.create("checkout", scopes=[READ], now_ms=NOW_MS)

    first, second = (each.find(new.key.key_id, now_s=NOW_S) for each in (reader, second_reader))
    assert reader.secret(first) == second_reader.secret(second) == new.secret
    assert dataclasses.replace(second, secret=first.secret) == first
    assert len({call.request["KeyId"] for call in cloud.calls if call.operation == "kms.Encrypt"}) == 2


@pytest.mark.parametrize("change", [Keys.disable, Keys.delete])
def test_revoked_key_is_refused_in_both_regions(change, regions, reader):
    both, _, second_reader = regions
    new = both.create("checkout", scopes=[READ], now_ms=NOW_MS)

    change(both, new.key.key_id)

    for each in (reader, second_reader):
        key = each.find(new.key.key_id, now_s=NOW_S)
        assert key is None or not key.is_active(now_ms=NOW_MS)


@pytest.mark.parametrize("only", [0, 1])
def test_key_of_one_region_can_be_deleted_from_the_other(only, regions, keys):
    both, second, _ = regions
    new = (keys, second)[only].create("checkout", scopes=[READ], now_ms=NOW_MS)

    both.delete(new.key.key_id)

    assert (keys.all(), second.all()) == ([], [])
    with pytest.raises(NotFound, match=new.key.key_id):
        both.delete(new.key.key_id)


def test_key_is_disabled_first_in_the_region_that_answers(keys, deployment):
    def lost():
        raise Unavailable("eu-west-1 does not answer")

    both = Keys.of(dataclasses.replace(deployment, other_region=lost))
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)

    with pytest.raises(Unavailable, match="eu-west-1"):
        both.disable(new.key.key_id)

    assert [key.status for key in both.all()] == ["disabled"]
    with pytest.raises(Unavailable, match="eu-west-1"):
        both.create("search", scopes=[READ], now_ms=NOW_MS)
    assert [key.client for key in both.all()] == ["checkout"]


def test_endpoint_of_a_shop_with_two_regions_is_its_api_domain(keys):
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)

    variables = environment_variables(new, dataclasses.replace(NAMES, api_domain="api.shop.example"), certificate=None)

    assert variables["AWS_ENDPOINT_URL_PERSONALIZE"] == "https://api.shop.example/personalize"


def test_environment_variables_have_the_key_and_endpoints(keys):
    new = keys.create("checkout", scopes=[READ], now_ms=NOW_MS)

    endpoint = f"{NAMES.api_url}/personalize"
    assert environment_variables(new, NAMES, certificate=None) == {
        "AWS_ACCESS_KEY_ID": new.key.key_id,
        "AWS_SECRET_ACCESS_KEY": new.secret,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_PERSONALIZE": endpoint,
        "AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME": endpoint,
        "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": endpoint,
    }
