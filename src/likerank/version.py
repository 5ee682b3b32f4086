"""The version of likerank, declared here only."""

from typing import Final

__version__: Final = "0.2.0"
