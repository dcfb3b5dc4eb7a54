"""Settings that differ from a base in one value."""

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any, Literal

from infra_cdk import settings as declared
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings

ENVIRONMENT = "shop"
BASE: dict[str, Any] = {"region": "us-east-1", "removal_policy": "destroy"}
LIMITS: dict[str, Any] = {field.name: field.metadata.get("limits") for field in dataclasses.fields(Settings)}
TEXTS: dict[str, Any] = {
    "alarm_email": "operator@example.com",
    "api_domain": "api.shop.example",
    "api_zone_id": "Z0123456789ABC",
    "architecture": "x86_64",
    "batch_buckets": ["uploads"],
    "bootstrap_kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/b0075742",
    "certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/1234-abcd",
    "cors_origins": ["https://shop.example"],
    "domain": "shop.example",
    "import_buckets": ["uploads"],
    "kafka": {"topic": "shop-events", "bootstrap_servers": ["localhost:9092"]},
    "kms_key_arn": "create",
    "lake_first_date": "2020-02-29",
    "permissions_boundary": "arn:aws:iam::123456789012:policy/boundary",
    "training_algorithms": ["popularity", "transitions"],
    "training_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1",
    "training_instance_type": "ml.m5.2xlarge",
    "training_objective": ["purchase:10"],
    "vpc": "create",
    "vpc_availability_zone": "us-east-1a",
    "vpc_subnet_ids": ["subnet-0a1b", "subnet-0c2d"],
    "waf": "create",
    "pandas_layer_arn": "arn:aws:lambda:us-east-1:123456789012:layer:pandas:1",
}
PROTECTED: dict[str, Any] = {
    **BASE,
    "audit_trail": True,
    "backup_days": 35,
    "backup_lock": "compliance",
    "bootstrap_kms_key_arn": TEXTS["bootstrap_kms_key_arn"],
    "kms_key_arn": "create",
    "stack_drift_schedule": "rate(30 days)",
    "training_network": False,
    "vpc": "create",
    "waf": "create",
}
"""Settings of an environment with all protecting settings, except for the domain, which the embedded cloud refuses."""
PRIVATE: dict[str, Any] = {**BASE, "private_api": True, "training_network": False, "vpc": "create", "web": False}
"""Settings of an environment with a private API."""
TWO_REGIONS: dict[str, Any] = {
    "region": "eu-west-1",
    "replica_region": "eu-central-1",
    "replica_streams": True,
    "api_domain": TEXTS["api_domain"],
    "api_zone_id": TEXTS["api_zone_id"],
    "kms_key_arn": "create",
}
"""Settings of a deployment in two regions with a name for both APIs and a key per region."""
TOGETHER: dict[str, dict[str, Any]] = {
    "api_domain": {"api_zone_id": TEXTS["api_zone_id"], "replica_streams": True},
    "api_zone_id": {"api_domain": TEXTS["api_domain"], "replica_streams": True},
    "certificate_arn": {"domain": TEXTS["domain"]},
    "domain": {"certificate_arn": TEXTS["certificate_arn"]},
    "backup_lock": {"backup_days": 35},
    "vpc": {"training_network": False},
    **{
        name: {
            "vpc": "vpc-0a1b",
            "vpc_subnet_ids": TEXTS["vpc_subnet_ids"],
            "vpc_availability_zone": TEXTS["vpc_availability_zone"],
            "training_network": False,
        }
        for name in ("vpc_availability_zone", "vpc_subnet_ids")
    },
    "waf_requests_per_address": {"waf": "create"},
}
"""Further settings that a setting needs, by the name of the setting."""
# An environment cannot change its name, region or account. `test_replica.py` tests `replica_region`. The environment
# `other` tests the folders `sentence_model` and `training_package`.
LEFT_OUT = {"name", "region", "account", "replica_region", "sentence_model", "training_package"}
# Stacks must be deleted before the API becomes private; see `test_private_api.py`.
LEFT_OUT |= {"private_api", "vpc_api_endpoint_id"}
FIELDS: dict[str, Any] = {
    field.name: field.default for field in dataclasses.fields(Settings) if field.name not in LEFT_OUT
}


def candidates(name: str) -> Iterator[Any]:
    hint, default = typing.get_type_hints(Settings)[name], FIELDS[name]
    if name in TEXTS:
        yield TEXTS[name]
    elif name.endswith("_schedule"):
        yield from ("rate(2 days)", "rate(3 hours)", None)
    elif isinstance(default, bool):
        yield not default
    elif typing.get_origin(hint) is Literal:
        yield from (each for each in typing.get_args(hint) if each != BASE.get(name, default))
    else:
        yield from (number for number in _numbers(name, default) if number != default)


def _numbers(name: str, default: int | None) -> list[int]:
    if name == "log_retention_days":
        return sorted(declared.LOG_RETENTION_DAYS)
    minimum, maximum = LIMITS[name]
    near = () if default is None else (default * 2, default + 1, default - 1)
    return [number for number in (*near, minimum, maximum) if minimum <= number <= maximum]


def changed(name: str) -> dict[str, Any]:
    """Return valid settings that differ from the base in the setting `name`, and in the settings that `name` needs."""
    for value in candidates(name):
        settings = {**BASE, **TOGETHER.get(name, {}), name: value}
        try:
            Settings(name=ENVIRONMENT, **settings)
        except InvalidSettings:
            continue
        return settings
    raise AssertionError(f"no other value of {name} is valid; add one to TEXTS")
