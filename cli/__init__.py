"""The `alsolike` command."""
