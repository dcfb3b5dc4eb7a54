"""Publication of catalogue changes to the snapshot, and of catalogue and user changes to the lake's change log."""
