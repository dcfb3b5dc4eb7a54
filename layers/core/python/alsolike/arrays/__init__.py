"""Arrays in files: memory maps, ragged arrays, and files of named tensors."""
