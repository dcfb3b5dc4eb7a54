"""Names that the code and the infrastructure share. Standard library only, since infrastructure imports them too."""
