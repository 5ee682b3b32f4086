"""New photos: which files they are, and what a model says of each."""
