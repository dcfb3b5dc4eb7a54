"""Model versions copied from other versions, because training takes longer."""

from __future__ import annotations

import dataclasses

from alsolike.bundle.manifest import Manifest
from alsolike.registry.decision import Check, Decision, Decisions
from tests.booted.shop import Shop


def publish_copy(shop: Shop, version: str, copy: str, *, passed: bool) -> None:
    """Copy a version's bundle under another name, with a decision of the gate and a model package."""
    s3, bucket = shop.cloud.client("s3"), shop.name("artefact-bucket")
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"models/{version}/")["Contents"]:
        key = entry["Key"].replace(version, copy)
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": entry["Key"]})
    key = f"models/{copy}/manifest.json"
    manifest = Manifest.from_json(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    s3.put_object(Bucket=bucket, Key=key, Body=dataclasses.replace(manifest, version=copy).to_json())
    Decisions(s3, bucket).keep(Decision(copy, 1, version, (Check("ndcg", passed=passed, figures="0.1 and 0.2"),)))
    shop.cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName=shop.name("model-package-group"),
        ModelPackageDescription=copy,
        ModelApprovalStatus="Approved" if passed else "Rejected",
        CustomerMetadataProperties={"version": copy, "algorithm": manifest.algorithm, "items": str(manifest.items)},
    )
