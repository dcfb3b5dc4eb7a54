"""Command `alsolike demo`: the complete loop on a year of a grocer's purchases."""
