"""Collection: accounts of Instagram become an archive on disk, through Instaloader."""
