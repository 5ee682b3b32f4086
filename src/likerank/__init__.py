"""likerank: of these photos, which will people like most, judging by the picture alone?"""

__version__ = "0.1.0"
