"""Statistics of posts, before any training."""
