"""Changes of the catalogue into its snapshot, and of catalogue and users into the lake's change log."""
