"""Permissions in booted tests. No request may lack a permission, and an unused grant needs a reason.

``python -m tests.booted.permissions`` lists the granted actions that no test has used since `build/permissions` was
emptied. The list lacks actions with a reason in `CALLED_BY_AWS` or `USED_ELSEWHERE`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local_cloud.client import Cloud

DIRECTORY = Path(__file__).parents[2] / "build" / "permissions"
_RANDOM = re.compile(r"(?<=:key/)[0-9a-f-]+|(?<=-)[A-Za-z]{6}(?= |$)")
"""Pattern of the random parts of ARNs: IDs of keys, and suffixes of secrets."""

CALLED_BY_AWS = {
    "cloudwatch:PutMetricData": "SageMaker writes the metrics of a job",
    "ecr:": "SageMaker pulls the image of a job",
    "events:": "Step Functions waits for a training job through a rule",
    "glue:BatchStopJobRun": "Step Functions stops the job of a stopped execution",
    "logs:": "SageMaker, Glue and Step Functions write logs",
    "s3:AbortMultipartUpload": "clients abort an upload that fails",
    "sagemaker:ListTags": "Step Functions reads the tags of a training job",
    "sagemaker:StopTrainingJob": "Step Functions stops the job of a stopped execution",
    "xray:": "Lambda and Step Functions write traces",
}
"""Reasons for grants that the embedded cloud cannot use, by the prefix of their action."""

DAILY, SPARK = "a daily schedule; unit tests, make slow WHAT=functions", "make slow WHAT=spark"
UNIT = "unit tests, which refuse calls without a grant"
USED_ELSEWHERE = {
    ("AttributeOutcomes", "s3:DeleteObject"): DAILY,
    ("CompactLake", ""): DAILY,
    ("StartTraining", "s3:DeleteObject"): "expired datasets; unit tests",
    ("PublishCatalog", "s3:DeleteObject"): "replaced segments; unit tests",
    ("RunCanary", "s3:DeleteObject"): "expired model versions; unit tests",
    ("RegisterModel", "s3:GetObject"): "a repeated registration; unit tests",
    ("MonitorModels", "states:"): "a training after drift; unit tests",
    ("PurgeUser", "s3:DeleteObject"): "objects of the erased user only; unit tests",
    ("ImportData", ""): "imports of actions and with hashed IDs; unit tests",
    ("ExportUser", ""): UNIT,
    ("Operate", ""): "signed requests of operators; unit tests",
    ("Personalize", "sagemaker:"): UNIT,
    ("AuthorizeSession", "s3:ListBucket"): "a deployment without a configuration; unit tests",
    ("ExchangeBatch", "secretsmanager:"): "segments of a deployment with erased users; unit tests",
    ("ExchangeBatch", "s3:"): "batch jobs in the demo's bucket; other tests use other buckets",
    ("batch/Workflow", "s3:"): "files of the distributed map, which the embedded cloud reads itself",
    ("batch/Workflow", "states:"): "child executions of the distributed map, which Step Functions starts",
    ("privacy/Workflow", "sns:Publish"): "a failed erasure; templates",
    ("training/Job", "s3:"): "checkpoints of an interrupted spot instance; make slow WHAT=model_export",
    ("Spark", ""): SPARK,
    ("training/Workflow", "glue:"): SPARK,
    ("EventsRole", "states:StartExecution"): "the training's schedule; tests start trainings",
}
"""Reasons for grants that booted tests in CI do not use, by a part of the role's name and the prefix of the action."""


def record_permissions(cloud: Cloud) -> None:
    """Write the grants of a cloud after its test, and assert that no role lacked a permission."""
    report = cloud.permissions()
    assert not report["refused"], f"requests that IAM would refuse: {report['refused']}"
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    (DIRECTORY / f"{cloud.state.pid}.json").write_text(json.dumps(report["grants"]))


def unused(grants: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return role, action and resources of each unused grant that has no reason in this module."""
    uses: dict[tuple[str, str, str], bool] = defaultdict(bool)
    for grant in grants:
        resources = _RANDOM.sub("*", " ".join(grant["resources"]))
        key = grant["role"], grant["action"], resources
        uses[key] |= grant["used"]
    return sorted(key for key, used in uses.items() if not (used or _has_reason(*key[:2])))


def _has_reason(role: str, action: str) -> bool:
    return action.startswith(tuple(CALLED_BY_AWS)) or any(
        part in role and action.startswith(start) for part, start in USED_ELSEWHERE
    )


if __name__ == "__main__":
    reports = [json.loads(path.read_text()) for path in DIRECTORY.glob("*.json")]
    for line in unused(grant for report in reports for grant in report):
        print(*line)
