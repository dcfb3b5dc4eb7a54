"""Items and users in DynamoDB tables, and the log of their changes."""
