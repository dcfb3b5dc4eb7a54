"""Checks of an AWS account before a deployment, and of a deployment after it.

All checks only read, except for a request to the deployed API with a nonexistent key.

Example::

    needs = doctor.read_needs(Path("cdk.out"))
    findings = doctor.examine(needs, session_clients(region=needs.region), post=post)
    any(finding.blocks for finding in findings)
"""

from operations.doctor.account import read_account
from operations.doctor.all_checks import ACTIONS, examine
from operations.doctor.deployment import post
from operations.doctor.finding import FAILED, PASSED, UNKNOWN, Finding
from operations.doctor.requirements import Needs, read_needs

__all__ = [
    "ACTIONS",
    "FAILED",
    "PASSED",
    "UNKNOWN",
    "Finding",
    "Needs",
    "examine",
    "post",
    "read_account",
    "read_needs",
]
