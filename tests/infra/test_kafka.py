"""Events from a Kafka topic: the poller of Lambda, its access, and the alarms."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from infra_cdk.constructs.kafka_source import kafka_arns, read_topic
from infra_cdk.constructs.python_function import read_manifest
from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings
from operations.prometheus.rules import rules
from tests.infra.assembly import OPTIONAL, flat, granted, in_stack

CLUSTER = "arn:aws:kafka:us-east-1:123456789012:cluster/shop/2a3b-5"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_shop-a1b2c3"
CA_SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:authority-d4e5f6"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234-abcd"
MSK = {"topic": "shop-events", "cluster_arn": CLUSTER, "secret_arn": SECRET, "secret_key_arn": KEY}
OTHER = {"topic": "shop-events", "bootstrap_servers": ["broker.example:9096"], "secret_arn": SECRET}
NETWORK = {"subnet_ids": ["subnet-0a", "subnet-0b"], "security_group_id": "sg-0c"}


def settings(**kafka):
    return load_settings({"shop": {"region": "us-east-1", "kafka": kafka}}, "shop")


def mappings(**kafka):
    app = cdk.App(analytics_reporting=False)
    stack = cdk.Stack(app, "stack")
    function = lambda_.Function(
        stack, "F", runtime=lambda_.Runtime.PYTHON_3_13, handler="x.y", code=lambda_.Code.from_inline("x = 1")
    )
    trigger: Any = read_manifest("read_kafka").trigger
    read_topic(trigger, function, stack, settings=settings(**kafka))
    resources: dict[str, Any] = app.synth().get_stack_by_name("stack").template["Resources"]
    return {
        logical_id: {name: value for name, value in each["Properties"].items() if name != "FunctionName"}
        for logical_id, each in resources.items()
        if each["Type"] == "AWS::Lambda::EventSourceMapping"
    }


def mapping(**kafka):
    (made,) = mappings(**kafka).values()
    return made


def access(properties):
    return [(each["Type"], each["URI"]) for each in properties.get("SourceAccessConfigurations", [])]


@pytest.mark.parametrize("topic", ["shop-events-2", "shop.events", "shopevents", "SHOP-EVENTS"])
def test_other_topic_has_another_mapping(topic):
    assert mappings(**MSK).keys().isdisjoint(mappings(**{**MSK, "topic": topic}))


@pytest.mark.parametrize("setting", [{"alarm_records": 7}, {"secret_arn": CA_SECRET}, {"authentication": "mtls"}])
def test_other_settings_update_the_mapping_of_a_topic(setting):
    assert mappings(**MSK).keys() == mappings(**{**MSK, **setting}).keys()


def test_self_managed_cluster_is_reached_by_its_brokers():
    assert mapping(**OTHER, **NETWORK, root_ca_secret_arn=CA_SECRET, starting_position="latest") == {
        "BatchSize": 200,
        "MaximumBatchingWindowInSeconds": 1,
        "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": ["broker.example:9096"]}},
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "alsolike-shop"},
        "SourceAccessConfigurations": [
            {"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET},
            {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": CA_SECRET},
            {"Type": "VPC_SUBNET", "URI": "subnet:subnet-0a"},
            {"Type": "VPC_SUBNET", "URI": "subnet:subnet-0b"},
            {"Type": "VPC_SECURITY_GROUP", "URI": "security_group:sg-0c"},
        ],
        "StartingPosition": "LATEST",
        "Topics": ["shop-events"],
    }


@pytest.mark.parametrize(
    ("authentication", "kind"),
    [
        ("scram-sha-512", "SASL_SCRAM_512_AUTH"),
        ("scram-sha-256", "SASL_SCRAM_256_AUTH"),
        ("mtls", "CLIENT_CERTIFICATE_TLS_AUTH"),
    ],
)
def test_lambda_authenticates_with_the_secret(authentication, kind):
    assert access(mapping(**OTHER, authentication=authentication)) == [(kind, SECRET)]


def test_cluster_without_authentication_needs_a_network():
    plain = {name: value for name, value in OTHER.items() if name != "secret_arn"}

    kinds = [kind for kind, _ in access(mapping(**plain, **NETWORK))]
    assert kinds == ["VPC_SUBNET", "VPC_SUBNET", "VPC_SECURITY_GROUP"]


def test_role_has_the_permissions_of_the_msk_poller_and_the_manifest(other):
    permitted = granted(other.role(other.function("read_kafka")))

    manifest = read_manifest("read_kafka")
    stated = {action for grant in (*manifest.access, *manifest.trigger.access) for action in grant.actions}
    assert {action for action, _ in permitted} == {*stated, "logs:CreateLogStream", "logs:PutLogEvents"} | {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }
    assert {(a, r) for a, r in permitted if a.startswith("kafka:")} == {
        ("kafka:DescribeClusterV2", CLUSTER),
        ("kafka:GetBootstrapBrokers", "*"),
        ("kafka:ListScramSecrets", CLUSTER),
    }
    assert ("kms:Decrypt", KEY) in permitted
    assert {r for a, r in permitted if a == "secretsmanager:GetSecretValue"} == {"HashKey", SECRET}


@pytest.mark.parametrize(
    ("kafka", "left_out"),
    [
        (MSK, set()),
        ({**MSK, "authentication": "mtls"}, {"kafka_scram_cluster"}),
        (OTHER, {"kafka_cluster", "kafka_brokers", "kafka_scram_cluster", "kafka_key", "kafka_network"}),
        ({**OTHER, **NETWORK, "secret_key_arn": KEY}, {"kafka_cluster", "kafka_brokers", "kafka_scram_cluster"}),
    ],
)
def test_unneeded_cluster_access_is_omitted(kafka, left_out):
    arns = kafka_arns(settings(**kafka).kafka)

    assert {name for name, needed in arns.items() if not needed} == left_out


def test_prometheus_alerts_on_invalid_records_and_lag(other):
    described = [
        {
            **each.properties,
            "AlarmName": f"{each.stack}-{each.logical_id}-x",
            "AlarmDescription": flat(each.properties["AlarmDescription"]),
            "Metrics": json.loads(json.dumps(each.properties.get("Metrics", []))),
        }
        for part, name in (("lake", "Quarantine"), ("kafka", "KafkaLag"))
        for each in in_stack(other, part, "AWS::CloudWatch::Alarm")
        if each.logical_id.startswith(name)
    ]

    found = {rule["alert"]: rule["expr"] for rule in rules(described, environment="other")["groups"][0]["rules"]}

    assert found["AlsolikeKafkaKafkaLag"] == (
        'alsolike_alarm_active{alarm="Events from Kafka are read late", environment="other"} == 1'
    )
    assert (
        'alsolike_records_quarantined_total{function="read_kafka", environment="other"}[15m]'
        in found["AlsolikeLakeQuarantine"]
    )
    assert ") >= 5" in found["AlsolikeLakeQuarantine"]


def test_optional_functions_are_deployed_by_their_settings(other):
    functions = [f for part in ("kafka", "pages") for f in in_stack(other, part, "AWS::Lambda::Function")]

    assert {function.properties["Handler"].split(".")[1] for function in functions} == OPTIONAL


@pytest.mark.parametrize(
    ("kafka", "message"),
    [
        ({"bootstrap_servers": ["a:1"]}, r"shop\.kafka\.topic is missing"),
        ({**MSK, "topics": "a"}, r"shop\.kafka\.topics is unknown; known are \['alarm_records', "),
        ({**MSK, "topic": 7}, r"shop\.kafka\.topic is 7, expected text"),
        ({**MSK, "topic": "a b"}, r"shop\.kafka\.topic is 'a b', expected 2 to 249 letters"),
        ({**MSK, "topic": ".ab"}, r"topic is '.ab', expected .* no dot first"),
        ({**MSK, "cluster_arn": "shop"}, r"cluster_arn is 'shop', expected the ARN of a cluster"),
        ({"topic": "ab"}, r"cluster_arn is None, expected either it or bootstrap_servers"),
        ({**MSK, "bootstrap_servers": ["a:1"]}, r"expected either it or bootstrap_servers"),
        ({**OTHER, "bootstrap_servers": ["a"]}, r"bootstrap_servers is 'a', expected HOST:PORT"),
        ({**OTHER, "bootstrap_servers": ["a:1"] * 11}, r"expected at most 10, Lambda's limit"),
        ({**OTHER, "authentication": "plain"}, r"authentication is 'plain', expected 'scram-sha-512' or"),
        ({**OTHER, "secret_arn": "password"}, r"secret_arn is 'password', expected the ARN of a secret"),
        ({**OTHER, "secret_arn": None}, r"secret_arn is None, expected a secret, or subnet_ids"),
        ({**OTHER, "subnet_ids": ["a"], "security_group_id": "sg-0c"}, r"subnet_ids is 'a', expected subnet-"),
        ({**OTHER, "subnet_ids": ["subnet-0a"]}, r"security_group_id is None, expected one with subnet_ids"),
        ({**OTHER, "security_group_id": "sg-0c"}, r"security_group_id is 'sg-0c', expected .* null without"),
        (
            {**MSK, "secret_arn": None, "secret_key_arn": None},
            r"secret_arn is None, expected a secret where cluster_arn is set",
        ),
        ({**MSK, "authentication": "scram-sha-256"}, r"authentication is 'scram-sha-256', expected one that MSK"),
        ({**MSK, "secret_key_arn": None}, r"secret_key_arn is None, expected the key of the secret"),
        ({**MSK, "root_ca_secret_arn": CA_SECRET}, r"root_ca_secret_arn is .* expected null for MSK"),
        ({**MSK, **NETWORK}, r"subnet_ids is \['subnet-0a', 'subnet-0b'\], expected none for MSK"),
        ({**MSK, "alarm_records": 0}, r"alarm_records is 0, expected 1 to 1000000000"),
        (
            {"topic": "ab", "bootstrap_servers": ["localhost:1"], "secret_key_arn": KEY},
            r"secret_key_arn is .* expected null without secret_arn",
        ),
    ],
)
def test_invalid_kafka_setting_is_refused(kafka, message):
    with pytest.raises(InvalidSettings, match=message):
        settings(**kafka)


def test_local_broker_needs_no_authentication():
    assert settings(topic="ab", bootstrap_servers=["127.0.0.1:9092"]).kafka.secret_arn is None


def test_kafka_setting_that_is_not_an_object_is_refused():
    with pytest.raises(InvalidSettings, match=r"shop\.kafka is 'topic', expected an object or null"):
        load_settings({"shop": {"region": "us-east-1", "kafka": "topic"}}, "shop")
