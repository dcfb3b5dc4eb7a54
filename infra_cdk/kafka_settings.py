"""Settings of a Kafka topic with events."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

from alsolike.declarations.settings import setting
from infra_cdk.settings_checks import Rule, require, require_forms, require_ranges

_ARN = r"arn:aws[a-z-]*:{service}:[a-z0-9-]+:\d{{12}}:{resource}"
_SECRET = _ARN.format(service="secretsmanager", resource=r"secret:\S+"), "the ARN of a secret in Secrets Manager"
_FORMS = {
    # CloudFormation's pattern for a topic, which is stricter than Kafka's rules.
    "topic": (
        r"[A-Za-z0-9_-][A-Za-z0-9._-]{1,248}",
        "2 to 249 letters, digits, dots, underscores and hyphens, no dot first",
    ),
    "cluster_arn": (
        _ARN.format(service="kafka", resource=r"cluster/[\w-]+/[\w-]+"),
        "the ARN of a cluster of Amazon MSK",
    ),
    "secret_arn": _SECRET,
    "root_ca_secret_arn": _SECRET,
    "secret_key_arn": (_ARN.format(service="kms", resource=r"key/[\w-]+"), "the ARN of a key in KMS"),
    "bootstrap_servers": (r"[A-Za-z0-9.-]+:[1-9]\d{0,4}", "HOST:PORT"),
    "subnet_ids": ("subnet-[0-9a-f]+", "subnet-…"),
    "security_group_id": ("sg-[0-9a-f]+", "sg-…"),
}
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1):\d+")
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
        require_forms(self, _FORMS)
        for field, condition, expectation in (
            ("bootstrap_servers", len(self.bootstrap_servers) <= MAX_SERVERS, f"at most {MAX_SERVERS}, Lambda's limit"),
            (
                "cluster_arn",
                (self.cluster_arn is None) == bool(self.bootstrap_servers),
                "either it or bootstrap_servers",
            ),
            (
                "secret_key_arn",
                self.secret_key_arn is None or self.secret_arn or self.root_ca_secret_arn,
                "null without secret_arn and root_ca_secret_arn",
            ),
            (
                "security_group_id",
                (self.security_group_id is not None) == bool(self.subnet_ids),
                "one with subnet_ids, null without",
            ),
            *(self._rules_of_other_clusters() if self.cluster_arn is None else self._rules_of_msk()),
        ):
            require(self, field, condition, expectation)

    def _rules_of_msk(self) -> list[Rule]:
        has_key = self.authentication == "mtls" or self.secret_key_arn is not None
        return [
            ("secret_arn", self.secret_arn is not None, "a secret where cluster_arn is set"),
            ("authentication", self.authentication != "scram-sha-256", "one that MSK supports"),
            (
                "secret_key_arn",
                has_key,
                "the key of the secret: MSK accepts SCRAM secrets under a key of your own only",
            ),
            ("root_ca_secret_arn", self.root_ca_secret_arn is None, "null for MSK"),
            ("subnet_ids", not self.subnet_ids, "none for MSK: Lambda uses the cluster's"),
        ]

    def _rules_of_other_clusters(self) -> list[Rule]:
        is_local = all(_LOOPBACK.fullmatch(server) for server in self.bootstrap_servers)
        return [
            (
                "secret_arn",
                self.secret_arn is not None or self.subnet_ids or is_local,
                "a secret, or subnet_ids: Lambda reaches a cluster without authentication only in a network of yours",
            )
        ]
