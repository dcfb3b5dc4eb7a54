import dataclasses
import os
import time

import pytest

from alsolike.bundle.bundle import write_manifest
from alsolike.bundle.files import FILES, LATER_FILES, MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.runtime.errors import InvalidBundle, InvalidInput, Unavailable
from functions.register_model import handler
from functions.register_model.settings import Settings
from tests.builders.bundles import ITEMS, MANIFEST, METRICS, archive_of, without_later_files, write_bundle
from tests.builders.lambda_events import NOW_MS, LambdaContext
from tests.builders.world import GROUP, World
from tests.fakes.sagemaker import MemorySageMaker
from tests.fakes.service import ServiceError, operation

ANY_PARAMETER = (
    "ModelPackageGroupName", "ModelPackageDescription", "ModelApprovalStatus", "ModelMetrics", "SourceUri",
    "SkipModelValidation", "CustomerMetadataProperties", "ClientToken",
)  # fmt: skip
FROM_ANY_TO_FIG = {(item, "fig"): 1.0 for item in ITEMS}


def compared_with(version):
    """Return metrics of a candidate that is better than the version it was compared with."""
    figures = {"coverage": 1.0, "popularity": 0.1, "popularity_ratio": 1.0}
    found = {
        "version": version, "asked_users": 40, "hit_users": 30, "ahead": [0.05, 0.15], "slices": {},
        "candidate": {**figures, "ndcg": 0.3}, "champion": {**figures, "ndcg": 0.2},
    }  # fmt: skip
    return {**METRICS, "against_champion": found}


WORSE = [{"algorithm": "popularity", "ndcg": 0.3}, {"algorithm": "table", "ndcg": 0.2}]


class Workflow(World):
    """Training outputs in the artefact bucket, and calls of the function that registers them."""

    def trained(self, version, **fields):
        """Write the output of a training job to its location in S3, and return the function's event."""
        folder = self.directory / version
        manifest = dataclasses.replace(MANIFEST, **{"version": version, **fields})
        write_bundle(folder, manifest=manifest, transitions=FROM_ANY_TO_FIG)
        return self.store(version, archive_of(folder))

    def store(self, version, archive):
        key = f"training/alsolike-demo-{version}/output/model.tar.gz"
        self.put(key, archive)
        return {
            "run_id": version,
            "model_data_s3_uri": f"s3://{self.bucket}/{key}",
            "training_job_name": f"alsolike-demo-{version}",
        }

    def register(self, event):
        return handler.lambda_handler(event, LambdaContext())

    def train_champion(self, version, **fields):
        self.register(self.trained(version, **fields))
        self.promote(version)


@pytest.fixture
def workflow(aws, artefact_bucket, tmp_path, monkeypatch):
    aws("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    monkeypatch.setenv("MODEL_PACKAGE_GROUP", GROUP)
    return Workflow(aws, artefact_bucket, tmp_path)


def test_valid_model_is_approved_stored_and_registered(workflow, counted, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)

    answer = workflow.register(workflow.trained("v1"))

    assert (answer["version"], answer["verdict"]) == ("v1", "approved")
    assert all(reason.startswith("passed: ") for reason in answer["reasons"])
    assert answer["decision_s3_uri"] == f"s3://{workflow.bucket}/registry/decisions/v1.json"
    decision = workflow.decisions.get("v1")
    assert [str(check) for check in decision.checks] == answer["reasons"]
    assert (decision.verdict, decision.champion, decision.decided_ms) == ("approved", None, NOW_MS)
    assert workflow.registry.champion() is None
    assert workflow.files("v1") == {*FILES, MANIFEST_FILE}
    assert "ModelsRejected" not in counted()
    (package,) = workflow.packages()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"  # The canary decides about the approval.
    assert package["ModelPackageDescription"] == "v1"
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics == {"ContentType": "application/json", "S3Uri": answer["decision_s3_uri"]}
    properties = package["CustomerMetadataProperties"]
    assert (properties["verdict"], properties["code_version"]) == ("approved", "0.1.0")
    assert (properties["table.ndcg"], properties["popularity.hr"]) == ("0.250000", "0.200000")
    assert (properties["dataset_id"], properties["training_job_name"]) == ("v1", "alsolike-demo-v1")


def test_model_of_an_earlier_image_is_registered_without_later_files(workflow):
    folder = workflow.directory / "v1"
    write_bundle(folder, transitions=FROM_ANY_TO_FIG)
    without_later_files(folder)

    answer = workflow.register(workflow.store("v1", archive_of(folder)))

    assert answer["verdict"] == "approved"
    assert workflow.files("v1") == {*FILES, MANIFEST_FILE}.difference(LATER_FILES)


def refuse_packages(monkeypatch, code):
    def refuse(*_):
        raise ServiceError(code, "no InferenceSpecification")

    monkeypatch.setattr(MemorySageMaker, "create_model_package", operation(*ANY_PARAMETER)(refuse))


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceLimitExceeded", "ValidationException"])
def test_version_refused_by_sagemaker_is_checked_and_stored(workflow, code, monkeypatch):
    refuse_packages(monkeypatch, code)

    answer = workflow.register(workflow.trained("v1"))

    assert answer["verdict"] == "approved"
    assert workflow.files("v1") == {*FILES, MANIFEST_FILE}
    assert workflow.decisions.get("v1") is not None
    assert workflow.packages() == []


def test_throttled_registry_raises_unavailable_for_a_retry(workflow, monkeypatch):
    refuse_packages(monkeypatch, "ThrottlingException")

    with pytest.raises(Unavailable, match="ThrottlingException"):
        workflow.register(workflow.trained("v1"))


def test_repeated_call_after_the_canary_keeps_decision_and_approval(workflow):
    event = workflow.trained("v1")
    first = workflow.register(event)
    workflow.registry.promote("v1", reason="its trial went well", now_ms=NOW_MS)
    (package,) = workflow.packages()
    workflow.sagemaker.update_model_package(ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved")

    assert workflow.register(event) == first
    assert (len(workflow.packages()), workflow.approval("v1")) == (1, "Approved")


def test_model_better_than_the_champion_is_approved(workflow):
    workflow.train_champion("v1")

    answer = workflow.register(workflow.trained("v2", metrics=compared_with("v1")))

    assert answer["verdict"] == "approved"
    decision = workflow.decisions.get("v2")
    assert decision.champion == "v1"
    assert {"against the champion", "slices"} <= {check.name for check in decision.checks}
    (package,) = [each for each in workflow.packages() if each["ModelPackageDescription"] == "v2"]
    assert package["CustomerMetadataProperties"]["compared_with"] == "v1"


def test_memory_of_the_checks_is_limited(workflow, monkeypatch):
    limited = list[object]()
    monkeypatch.setattr(handler, "limit_memory", limited.append)

    workflow.register(workflow.trained("v1"))

    assert limited == [os.environ]


def test_candidate_compared_with_a_replaced_champion_is_rejected(workflow):
    workflow.train_champion("v1")
    event = workflow.trained("v3", metrics=compared_with("v1"))
    workflow.train_champion("v2", metrics=compared_with("v1"))

    answer = workflow.register(event)

    assert answer["verdict"] == "rejected"
    reason = "failed: against the champion: the candidate was compared with v1, the champion is v2; train again"
    assert reason in answer["reasons"]


def test_graph_that_does_not_run_is_rejected_with_the_reason(workflow):
    event = workflow.trained("v1")
    folder = workflow.directory / "v1"
    manifest = Manifest.from_json((folder / MANIFEST_FILE).read_bytes())
    # This graph requires an additional input.
    (folder / "graph.onnx").write_bytes((folder / "graph.bias.onnx").read_bytes())
    write_manifest(folder, manifest)
    workflow.store("v1", archive_of(folder))

    answer = workflow.register(event)

    assert answer["verdict"] == "rejected"
    assert any(reason.startswith("failed: serving: graph.onnx does not run: ") for reason in answer["reasons"])
    with pytest.raises(InvalidInput, match="cannot be served or forced: failed: serving"):
        workflow.decisions.force("v1", reason="it has to")


def test_model_below_popularity_is_rejected_and_the_champion_stays(workflow, counted):
    workflow.train_champion("v1")

    answer = workflow.register(workflow.trained("v2", metrics={**compared_with("v1"), "candidates": WORSE}))

    assert answer["verdict"] == "rejected"
    assert "failed: ndcg@10 on the hold-out: table 0.2000, popularity 0.3000" in answer["reasons"]
    assert workflow.champion.version == "v1"
    assert workflow.files("v2") == {*FILES, MANIFEST_FILE}
    assert [package["ModelApprovalStatus"] for package in workflow.packages()] == ["PendingManualApproval", "Rejected"]
    assert counted()["ModelsRejected"] == 1


def test_metrics_have_the_checks_of_both_models_and_failed_conditions(workflow, counted_by_dimensions):
    workflow.train_champion("v1")
    counted_by_dimensions()

    workflow.register(workflow.trained("v2", metrics={**compared_with("v1"), "candidates": WORSE}))

    metrics = counted_by_dimensions()
    assert metrics.pop(("v2",)) == {"OfflineNdcg": 0.2, "AlgorithmsLeftOut": 0.0}
    assert metrics.pop(("candidate",)) == {"GateNdcg": 0.3}
    assert metrics.pop(("champion",)) == {"GateNdcg": 0.2}
    assert metrics.pop(()) == {"ModelsRejected": 1}
    failed = {condition for (condition,), values in metrics.items() if values == {"GateConditionFailed": 1}}
    assert failed == {"ndcg@10 on the hold-out", "coverage", "popularity bias"}
    assert len(metrics) == 15


def test_corrupt_output_raises_and_the_champion_stays(workflow):
    workflow.train_champion("v1")
    event = workflow.trained("v2")
    (workflow.directory / "v2" / "graph.data").write_bytes(b"")
    workflow.store("v2", archive_of(workflow.directory / "v2"))

    with pytest.raises(InvalidBundle, match=r"graph\.data is"):
        workflow.register(event)

    assert workflow.champion.version == "v1"
    assert len(workflow.packages()) == 1


def test_bundle_above_the_size_limit_is_rejected(workflow, monkeypatch):
    monkeypatch.setenv("MAX_BUNDLE_MB", "0")

    answer = workflow.register(workflow.trained("v1"))

    assert answer["verdict"] == "rejected"
    assert "failed: bundle size: 0.0 MB, serving has room for 0 MB" in answer["reasons"]


def test_two_bundles_of_the_default_limit_fit_on_the_smallest_disk():
    settings = Settings("bucket", "group")

    assert 2 * settings.max_bundle_mb * 1_000_000 < 0.8 * 512 * 1024 * 1024


def test_champion_without_files_is_not_compared(workflow):
    workflow.train_champion("v1")
    workflow.s3.delete_object(Bucket=workflow.bucket, Key=f"models/v1/{MANIFEST_FILE}")

    assert workflow.register(workflow.trained("v2"))["verdict"] == "approved"


def test_metadata_is_limited_to_the_sizes_of_sagemaker(workflow):
    candidates = [*METRICS["candidates"], *({"algorithm": f"other {n}", "ndcg": 0.1} for n in range(60))]  # type: ignore[misc]

    workflow.register(
        workflow.trained("v1", metrics={**METRICS, "candidates": candidates}, code_version="0.1.0*dirty" + "x" * 300)
    )

    (package,) = workflow.packages()
    assert len(package["CustomerMetadataProperties"]) == 50
    assert package["CustomerMetadataProperties"]["code_version"].startswith("0.1.0-dirtyx")
    assert len(package["CustomerMetadataProperties"]["code_version"]) == 256
