"""Live profiles, and the export of a user's data."""
