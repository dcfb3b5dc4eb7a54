"""The recommendation log in the lake: lines of `recommend`'s log, with unreadable ones in quarantine."""
