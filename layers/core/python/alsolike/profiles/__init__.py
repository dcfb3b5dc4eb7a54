"""Live profiles, impressions, and the export of a user's data."""
