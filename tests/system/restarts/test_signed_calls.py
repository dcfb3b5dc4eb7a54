"""Key pairs remain valid after a restart."""

import os
import signal
from collections.abc import Mapping

import boto3
from botocore.config import Config

from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop


def signed_call(variables):
    """Return the status of a call with the variables of a key."""
    client = boto3.client(
        "personalize-runtime",
        region_name=variables["AWS_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    recommender = "arn:aws:personalize:us-east-1:123456789012:recommender/for-you"
    answer = client.get_recommendations(recommenderArn=recommender, userId="ann", numResults=1)
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def test_key_pair_signs_calls_after_each_restart(tmp_path):
    assembly, data = synthesized(**QUICK), tmp_path / "data"
    with Shop.booted(assembly, tmp_path, data=data) as shop:
        variables: Mapping[str, str] = shop.alsolike("keys", "create", "checkout")["environment"]
        statuses = [signed_call(variables)]

    with Shop.booted(assembly, tmp_path, data=data) as shop:
        statuses.append(signed_call(variables))
        os.kill(shop.cloud.state.pid, signal.SIGKILL)

    with Shop.booted(assembly, tmp_path, data=data) as shop:
        statuses.append(signed_call(variables))
        rotated: Mapping[str, str] = shop.alsolike("keys", "rotate", "checkout")["environment"]
        statuses.append(signed_call(rotated))
    assert statuses == [200] * 4
