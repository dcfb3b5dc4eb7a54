"""Statuses and error codes of Amazon Personalize."""

ACTIVE, FAILED = "ACTIVE", "CREATE FAILED"
PENDING, IN_PROGRESS = "CREATE PENDING", "CREATE IN_PROGRESS"
DELETING = "DELETE IN_PROGRESS"

FORGOTTEN = "Step Functions does not store the execution any more, so that its result is unknown"
"""Failure reason of a training or job without an execution. Step Functions deletes executions after 90 days, or with
their state machine.
"""

INVALID = "InvalidInputException"
NOT_FOUND = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
IN_USE = "ResourceInUseException"
LIMIT = "LimitExceededException"
BAD_TOKEN = "InvalidNextTokenException"  # noqa: S105  no password
