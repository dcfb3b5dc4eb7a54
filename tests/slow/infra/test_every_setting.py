"""Changes of one setting remove no exports and no stored data, and replace only resources that can be replaced.

The exceptions are the bucket of the pages and the mappings of Kafka topics.
"""

import dataclasses
import json
import re
from functools import cache
from typing import Any

import pytest

from infra_cdk.kafka_settings import KafkaSettings
from tests.infra.assembly import synthesize
from tests.infra.other_settings import BASE, ENVIRONMENT, FIELDS, changed
from tests.infra.setting_changes import dangers

REMOVED_WITH_THE_FEATURE = {"web": {"alsolike--pages: WebsitePages"}}
_KAFKA_ARN = "arn:aws:{}:us-east-1:123456789012:{}"
MSK: dict[str, Any] = {
    "topic": "shop-events",
    "cluster_arn": _KAFKA_ARN.format("kafka", "cluster/shop/2a3b-5"),
    "secret_arn": _KAFKA_ARN.format("secretsmanager", "secret:AmazonMSK_shop-a1b2c3"),
    "secret_key_arn": _KAFKA_ARN.format("kms", "key/1234-abcd"),
}
OTHER_CLUSTER: dict[str, Any] = {
    "topic": "shop-events",
    "bootstrap_servers": ["localhost:9092"],
    "secret_arn": MSK["secret_arn"],
    "subnet_ids": ["subnet-0a"],
    "security_group_id": "sg-0c",
}
KAFKA_CHANGES: dict[str, Any] = {
    "topic": "orders",
    "cluster_arn": _KAFKA_ARN.format("kafka", "cluster/other/2a3b-5"),
    "bootstrap_servers": ["localhost:9093"],
    "authentication": "mtls",
    "secret_arn": _KAFKA_ARN.format("secretsmanager", "secret:AmazonMSK_other-a1b2c3"),
    "secret_key_arn": _KAFKA_ARN.format("kms", "key/5678-abcd"),
    "root_ca_secret_arn": _KAFKA_ARN.format("secretsmanager", "secret:authority-a1b2c3"),
    "subnet_ids": ["subnet-0b"],
    "security_group_id": "sg-0d",
    "starting_position": "latest",
    "alarm_records": 7,
}
# A change of these settings replaces the mapping of the topic, but Lambda rejects a second mapping while the first
# exists. docs/kafka.md has the steps of such a change.
NEEDS_ANOTHER_STACK = {
    "cluster_arn": "EventSourceArn",
    "bootstrap_servers": "SelfManagedEventSource",
    "starting_position": "StartingPosition",
}


@pytest.fixture(scope="module")
def base(layers, tmp_path_factory):
    return synthesize(ENVIRONMENT, layers=layers, outdir=tmp_path_factory.mktemp("base"), settings=BASE)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_stacks_can_be_updated_after_a_change_of_one_setting(name, base, layers, tmp_path):
    found = dangers(base, synthesize(ENVIRONMENT, layers=layers, outdir=tmp_path, settings=changed(name)))

    expected = REMOVED_WITH_THE_FEATURE.get(name, set())
    assert [each for each in found if not any(each.startswith(part) for part in expected)] == []


@pytest.fixture(scope="module")
def with_kafka(layers, tmp_path_factory):
    @cache
    def made(settings):
        kafka = {"kafka": json.loads(settings)}
        return synthesize(
            ENVIRONMENT, layers=layers, outdir=tmp_path_factory.mktemp("kafka"), settings={**BASE, **kafka}
        )

    return lambda kafka: made(json.dumps(kafka))


@pytest.mark.parametrize("name", sorted(field.name for field in dataclasses.fields(KafkaSettings)))
def test_changed_kafka_setting_replaces_only_known_mappings(name, with_kafka):
    before = MSK if name in MSK or name in ("starting_position", "alarm_records", "authentication") else OTHER_CLUSTER

    found = dangers(with_kafka(before), with_kafka({**before, name: KAFKA_CHANGES[name]}))

    replaced = [f" is replaced: {NEEDS_ANOTHER_STACK[name]}"] if name in NEEDS_ANOTHER_STACK else []
    assert [re.sub(r".*: KafkaTopicshopevents[0-9A-F]{8}", "", each) for each in found] == replaced
