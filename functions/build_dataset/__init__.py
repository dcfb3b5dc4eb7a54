"""Construction of the training dataset from the deduplicated lake, the catalogue, the users and logged responses."""
