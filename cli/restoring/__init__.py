"""Going back in time: objects by their versions, tables by the lake or by their backups."""
