"""The recipe of a snapshot."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from likerank.dataset.splits import POLICIES, RANDOM, Balance, Policy
from likerank.errors import LikerankError

NearCopies = Literal["together", "first_only", "ignore"]

BEFORE: Final = {"near_copies": "ignore", "split": RANDOM}
"""The values of earlier versions, whose recipes lack these keys."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The choices by which posts of the store become a dataset; part of its fingerprint.

    Attributes:
        size: Height and width of the pictures in pixels; the paper's are 50.
        balance: The most posts an author keeps: `median` of the authors' counts, `minimum` of them, a
            number, or `none`.
        min_posts_per_author: Authors with fewer usable posts are left out, before balancing.
        sources: The sources whose posts enter; empty for all.
        near_copies: `together` keeps near copies (see `copies`) on one side of every split; `first_only`
            keeps of each group the post that came first; `ignore` knows only copies of the very same pixels.
        split: `random` deals posts 8:1:1; `unseen_authors` deals authors; `later_posts` takes the last
            tenth of all posts by date for test and the tenth before for validation;
            `later_posts_per_author` does so within each author.
        seed: Decides split, order and balance; not the seed of training, so that repeated trainings share
            one dataset.
    """

    size: int = 50
    balance: Balance = "median"
    min_posts_per_author: int = 1
    sources: tuple[str, ...] = ()
    near_copies: NearCopies = "together"
    split: Policy = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", tuple(self.sources))
        if not 8 <= self.size <= 512:
            raise LikerankError(f"snapshot.size is {self.size}; set 8 to 512 pixels.")
        whole = isinstance(self.balance, int) and not isinstance(self.balance, bool) and self.balance > 0
        if not whole and self.balance not in ("median", "minimum", "none"):
            raise LikerankError(
                f"snapshot.balance is {self.balance}; it must be median, minimum, none or a number of posts."
            )
        for key, known in (("near_copies", get_args(NearCopies)), ("split", POLICIES)):
            if getattr(self, key) not in known:
                raise LikerankError(
                    f"snapshot.{key} is {getattr(self, key)}; it must be one of {', '.join(known)}."
                )

    def as_json(self) -> dict[str, Any]:
        """Returns the recipe in plain types, as snapshot.json keeps it."""
        return asdict(self) | {"sources": list(self.sources)}
