"""Settings of a Kafka topic with events."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

from alsolike.declarations.settings import setting
from infra_cdk.settings_checks import require, require_ranges

_ARN = r"arn:aws[a-z-]*:{service}:[a-z0-9-]+:\d{{12}}:{resource}"
_CLUSTER = re.compile(_ARN.format(service="kafka", resource=r"cluster/[\w-]+/[\w-]+"))
_SECRET = re.compile(_ARN.format(service="secretsmanager", resource=r"secret:\S+"))
_KEY = re.compile(_ARN.format(service="kms", resource=r"key/[\w-]+"))
_TOPIC = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{1,248}")
"""CloudFormation's pattern for a topic, which is stricter than Kafka's rules."""
_SERVER = re.compile(r"[A-Za-z0-9.-]+:[1-9]\d{0,4}")
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1):\d+")
_SUBNET, _SECURITY_GROUP = re.compile(r"subnet-[0-9a-f]+"), re.compile(r"sg-[0-9a-f]+")
MAX_SERVERS = 10
"""Maximum number of bootstrap servers. This is a limit of Lambda."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Topic, its cluster, and the credentials and network with which Lambda reads it."""

    topic: str = dataclasses.field(metadata={"meaning": "Topic, each record of which is a body of `POST /events`"})
    cluster_arn: str | None = setting(None, "Provisioned cluster of Amazon MSK; or set `bootstrap_servers`")
    bootstrap_servers: Sequence[str] = setting((), "`HOST:PORT` of brokers of another cluster, at most ten")
    authentication: Literal["scram-sha-512", "scram-sha-256", "mtls"] = setting(
        "scram-sha-512", "Authentication with `secret_arn`; MSK does not support SCRAM-SHA-256"
    )
    secret_arn: str | None = setting(
        None,
        "Secret with `username` and `password`, or for mTLS with `certificate`, `privateKey` and, if the key is "
        "encrypted, `privateKeyPassword`. MSK requires one",
    )
    secret_key_arn: str | None = setting(
        None, "KMS key of the secrets if it is your own, as MSK requires for SCRAM; null: AWS's"
    )
    root_ca_secret_arn: str | None = setting(
        None, "Secret with `certificate`, the authority of the brokers' certificates; null: a public one. Not for MSK"
    )
    subnet_ids: Sequence[str] = setting(
        (), "Subnets from which Lambda reaches the brokers; empty: over the internet. MSK has its own"
    )
    security_group_id: str | None = setting(None, "Security group in these subnets")
    starting_position: Literal["earliest", "latest"] = setting(
        "earliest", "First record of a new consumer group; `latest` skips the topic's existing records"
    )
    alarm_records: int = setting(10_000, "Alarm threshold: records that were not read yet", (1, 1_000_000_000))

    def __post_init__(self) -> None:
        require_ranges(self)
        _require_form(
            self.topic, _TOPIC, "topic", "2 to 249 letters, digits, dots, underscores and hyphens, no dot first"
        )
        _require_form(self.cluster_arn, _CLUSTER, "cluster_arn", "the ARN of a cluster of Amazon MSK")
        for name in ("secret_arn", "root_ca_secret_arn"):
            _require_form(getattr(self, name), _SECRET, name, "the ARN of a secret in Secrets Manager")
        _require_form(self.secret_key_arn, _KEY, "secret_key_arn", "the ARN of a key in KMS")
        for server in self.bootstrap_servers:
            _require_form(server, _SERVER, "bootstrap_servers", "HOST:PORT")
        for subnet in self.subnet_ids:
            _require_form(subnet, _SUBNET, "subnet_ids", "subnet-…")
        _require_form(self.security_group_id, _SECURITY_GROUP, "security_group_id", "sg-…")
        servers = self.bootstrap_servers
        require(servers, len(servers) <= MAX_SERVERS, "bootstrap_servers", f"at most {MAX_SERVERS}, Lambda's limit")
        require(
            self.cluster_arn,
            (self.cluster_arn is None) == bool(servers),
            "cluster_arn",
            "either it or bootstrap_servers",
        )
        require(
            self.secret_key_arn,
            self.secret_key_arn is None or bool(self.secret_arn or self.root_ca_secret_arn),
            "secret_key_arn",
            "null without secret_arn and root_ca_secret_arn",
        )
        require(
            self.security_group_id,
            (self.security_group_id is not None) == bool(self.subnet_ids),
            "security_group_id",
            "one with subnet_ids, null without",
        )
        if self.cluster_arn is None:
            self._check_other_cluster()
        else:
            self._check_msk()

    def _check_msk(self) -> None:
        require(self.secret_arn, self.secret_arn is not None, "secret_arn", "a secret where cluster_arn is set")
        require(self.authentication, self.authentication != "scram-sha-256", "authentication", "one that MSK supports")
        require(
            self.secret_key_arn,
            self.authentication == "mtls" or self.secret_key_arn is not None,
            "secret_key_arn",
            "the key of the secret: MSK accepts SCRAM secrets under a key of your own only",
        )
        require(self.root_ca_secret_arn, self.root_ca_secret_arn is None, "root_ca_secret_arn", "null for MSK")
        require(self.subnet_ids, not self.subnet_ids, "subnet_ids", "none for MSK: Lambda uses the cluster's")

    def _check_other_cluster(self) -> None:
        local = all(_LOOPBACK.fullmatch(server) for server in self.bootstrap_servers)
        require(
            self.secret_arn,
            self.secret_arn is not None or bool(self.subnet_ids) or local,
            "secret_arn",
            "a secret, or subnet_ids: Lambda reaches a cluster without authentication only in a network of yours",
        )


def _require_form(value: str | None, form: re.Pattern[str], name: str, expectation: str) -> None:
    require(value, value is None or bool(form.fullmatch(value)), name, expectation)
