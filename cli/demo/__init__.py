"""Command `alsolike demo`: the complete process on a year of a grocer's purchases."""
