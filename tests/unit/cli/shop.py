"""Name and parameter tree of the tests' deployment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from alsolike.declarations.parameters import Names, parameter_name
from alsolike.training.dataset import DatasetManifest
from operations.client.deployment import Deployment
from operations.keys import KeyPair
from tests.fakes.places import create_bucket, create_profiles_table, create_table

REGION = "eu-west-1"
KEY = KeyPair("ALSOKEY", "s" * 40)
NAMES = Names(
    api_url="http://127.0.0.1:9",
    user_pool_id="eu-west-1_pool",
    issuer="https://issuer.test",
    tracking_id="alsolike-shop",
    items_dataset_arn="arn:aws:personalize:eu-west-1:123456789012:dataset/alsolike-shop/ITEMS",
    users_dataset_arn="arn:aws:personalize:eu-west-1:123456789012:dataset/alsolike-shop/USERS",
    stream_name="events",
    lake_bucket="lake",
    artefact_bucket="artefacts",
    profiles_table="profiles",
    catalogue_table="catalogue",
    users_table="users",
    keys_table="keys",
    keys_encryption_arn="arn:aws:kms:eu-west-1:123456789012:key/keys",
    hash_key_arn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:hash-key",
    session_key_arn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:session-key",
    pseudonymise_ids="0",
    erasure_state_machine_arn="arn:aws:states:eu-west-1:123456789012:stateMachine:erasure",
    glue_database="shop",
    glue_table="interactions",
    state_machine_arn="arn:aws:states:eu-west-1:123456789012:stateMachine:training",
    build_dataset_function="build-dataset",
    recommend_function="recommend",
    attribute_outcomes_function="attribute-outcomes",
    monitor_models_function="monitor-models",
    batch_state_machine_arn="arn:aws:states:eu-west-1:123456789012:stateMachine:batch",
    model_package_group="models",
    alerts_topic_arn="arn:aws:sns:eu-west-1:123456789012:alerts",
    region=REGION,
)
DATASET = DatasetManifest(
    dataset_id="r1",
    created_ms=9,
    rows_read=1_312,
    interactions=1_200,
    users=4,
    items=3,
    catalogue_items=5,
    dropped={"duplicate_event": 12, "unknown_event_type": 0, "rare_item": 100},
    first_event_ms=1,
    last_event_ms=8,
    event_weights={"view": 1.0},
    minimum_item_interactions=5,
    minimum_user_interactions=2,
    repeat_share=0.25,
    lineage=(),
)
MANIFEST = {
    "version": "r1", "algorithm": "ease", "items": 3, "exclude_seen": True, "dataset_id": "r1",
    "history": {"length": 100, "half_life_days": None, "event_weights": {"view": 1.0}},
    "last_event_ms": 8, "created_ms": 9, "code_version": "abc", "files": {}, "format_version": 1,
    "metrics": {"k": 10, "seen": "masked", "asked_users": 1_234, "candidates": [
        {"algorithm": "ease", "settings": "ridge 50", "validation_ndcg": 0.45,
         "ndcg": 0.4, "hr": 0.6, "mrr": 0.3, "coverage": 0.2, "fit_s": 1.0}],
        "selection": "ease is selected: it has the highest NDCG on the validation set, 0.4500",
        "left_out": {"sasrec": "torch is not installed"},
        "reranker": {"on": False, "sentence": "off, 12 responses with an outcome, at least 625 needed"}},
}  # fmt: skip


def put_parameters(ssm: Any, environment: str, names: Names = NAMES, *, without: str = "") -> None:
    """Write a deployment's parameters except the key `without`. Empty names have no parameter."""
    for field, value in dataclasses.asdict(names).items():
        if value and not (name := parameter_name(environment, field)).endswith(f"/{without}"):
            ssm.put_parameter(Name=name, Value=value, Type="String")


def empty_deployment(client: Callable[[str], Any]) -> Deployment:
    for bucket in (NAMES.lake_bucket, NAMES.artefact_bucket):
        create_bucket(client("s3"), bucket)
    create_profiles_table(client("dynamodb"), NAMES.profiles_table)
    tables = {NAMES.catalogue_table: "item_id", NAMES.users_table: "user_id"}
    tables[NAMES.keys_table] = "key_id"
    for table, key in tables.items():
        create_table(client("dynamodb"), table, key=key)
    return Deployment("shop", NAMES, client, lambda: KEY, is_local=False)
