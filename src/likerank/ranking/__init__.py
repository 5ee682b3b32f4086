"""New photos: finds their files, scores and ranks them."""
