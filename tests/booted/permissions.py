"""Permissions in booted tests: none may be missing, and few may be unused.

``python -m tests.booted.permissions`` lists the granted actions without use since `build/permissions` was emptied.
Actions that only AWS uses are left out.
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
"""Pattern of the parts of ARNs that differ in each cloud: IDs of keys, and the ends of secrets' ARNs."""

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
"""Reasons of grants that the embedded cloud cannot use, by the start of their action."""


def check_permissions(cloud: Cloud, *, planted: str | None = None) -> dict[str, Any]:
    """Return the grants and refusals of a cloud.

    Parameters
    ----------
    planted
        Name of a role that lacks permissions on purpose.

    Raises
    ------
    AssertionError
        If another role lacked a permission.
    """
    report = cloud.permissions()
    refused = [message for message in report["refused"] if planted is None or planted not in message]
    assert refused == [], "requests that IAM would refuse"
    return report


def record_permissions(cloud: Cloud) -> None:
    """Write the grants of a cloud at the end of its test, and check that no role lacked a permission."""
    report = check_permissions(cloud)
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    (DIRECTORY / f"{cloud.state.pid}.json").write_text(json.dumps(report["grants"]))


def unused(grants: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return role, action and resources of the grants that no request has used, and that AWS itself does not need."""
    uses: dict[tuple[str, str, str], bool] = defaultdict(bool)
    for grant in grants:
        resources = _RANDOM.sub("*", " ".join(grant["resources"]))
        key = grant["role"], grant["action"], resources
        uses[key] |= grant["used"]
    return sorted(key for key, used in uses.items() if not used and not key[1].startswith(tuple(CALLED_BY_AWS)))


if __name__ == "__main__":
    reports = [json.loads(path.read_text()) for path in DIRECTORY.glob("*.json")]
    for line in unused(grant for report in reports for grant in report):
        print(*line)
