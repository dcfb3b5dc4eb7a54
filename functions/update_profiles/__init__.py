"""Stream consumer that adds interactions to live profiles."""
