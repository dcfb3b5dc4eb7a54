"""Everything that the command line does, as a library: it never prints and reports progress to a listener."""
