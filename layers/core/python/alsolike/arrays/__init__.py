"""Arrays in files: mapped, ragged, named."""
