"""What a snapshot is made by."""

from dataclasses import asdict, dataclass
from typing import Any

from likerank.dataset.splits import Balance
from likerank.errors import LikerankError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How posts of the store become a dataset; part of its fingerprint.

    Attributes:
        size: Height and width of the pictures in pixels; the paper's are 50.
        balance: The most posts an author keeps: `median` of the authors' counts, `minimum` of them, a
            number, or `none`.
        min_posts_per_author: Authors with fewer usable posts are left out, before balancing.
        sources: The sources whose posts enter; empty for all.
        seed: Decides split, order and balance; not the seed of training, so that repeated trainings share
            one dataset.
    """

    size: int = 50
    balance: Balance = "median"
    min_posts_per_author: int = 1
    sources: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", tuple(self.sources))
        if not 8 <= self.size <= 512:
            raise LikerankError(f"snapshot.size is {self.size}; it must lie between 8 and 512 pixels.")
        whole = isinstance(self.balance, int) and not isinstance(self.balance, bool) and self.balance > 0
        if not whole and self.balance not in ("median", "minimum", "none"):
            raise LikerankError(
                f"snapshot.balance is {self.balance}; it must be median, minimum, none or a number of posts."
            )

    def as_json(self) -> dict[str, Any]:
        """Returns the recipe in plain types, as snapshot.json keeps it."""
        return asdict(self) | {"sources": list(self.sources)}
