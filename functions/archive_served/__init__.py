"""What was served: lines of the log of `recommend` into the lake, unreadable ones into quarantine."""
