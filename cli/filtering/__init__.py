"""`alsolike filters`: what a filter means, and what it lets pass."""
