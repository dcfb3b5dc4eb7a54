"""Statuses and error codes of Amazon Personalize."""

ACTIVE, FAILED = "ACTIVE", "CREATE FAILED"
PENDING, IN_PROGRESS = "CREATE PENDING", "CREATE IN_PROGRESS"
DELETING = "DELETE IN_PROGRESS"

INVALID = "InvalidInputException"
NOT_FOUND = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
IN_USE = "ResourceInUseException"
LIMIT = "LimitExceededException"
BAD_TOKEN = "InvalidNextTokenException"  # noqa: S105  no password
