"""`alsolike demo`: the whole loop on a year of a grocer's purchases."""
