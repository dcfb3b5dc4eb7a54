"""Step of the erasure workflow. Each call deletes a part of the user's data, until a search finds no data."""
