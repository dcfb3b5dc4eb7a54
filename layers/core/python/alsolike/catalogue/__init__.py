"""Items and users in DynamoDB tables, the log of their changes, and actions in S3."""
