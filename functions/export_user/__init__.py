"""The export of a user's stored data."""
