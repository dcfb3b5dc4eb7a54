"""Library of the command line. It never prints; it reports progress to a listener."""
