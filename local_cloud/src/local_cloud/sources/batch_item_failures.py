"""Batch item failures in a function's response.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
from collections.abc import Sequence


def failed_items(payload: bytes, identifiers: Sequence[str]) -> set[str]:
    """Return the identifiers of failed items in a ReportBatchItemFailures response.

    An empty or null response, or an empty, null or missing list, means that all items succeeded. An invalid response,
    or an item without an identifier of the batch, means that all items failed.
    """
    everything = set(identifiers)
    try:
        response = json.loads(payload) if payload else None
    except ValueError:
        return everything
    if response is None:
        return set()
    if not isinstance(response, dict):
        return everything
    failures = response.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return everything
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
    if not all(name in identifiers for name in named):
        return everything
    return everything.intersection(named)
