"""`alsolike cost`: what a month would cost."""
