"""A corpus that is made, never Instagram's: drawn landscapes whose likes have a known cause."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from math import exp, hypot
from typing import Final, Literal

import numpy as np

from likerank.errors import LikerankError
from likerank.images import encode_jpeg
from likerank.records import Author, Post, Record, Truth
from likerank.sources.synthetic.landscapes import (
    APPEAL_SD,
    Look,
    Scene,
    appeal,
    draw,
    sample_look,
    sample_scene,
)

Kind = Literal["planted", "null", "style"]
_KINDS: Final = ("planted", "null", "style")

NOISE_SD: Final = 0.33
"""Standard deviation of what neither picture nor author decides, in log likes."""

_AUDIENCE_MEAN, _AUDIENCE_SD = 7.0, 1.0
_ACTIVITY_SD: Final = 0.4  # Of an author's share of the posts, in logs: about 5 between the ends of 27.
_STRAY: Final = 0.12  # How far a photo of kind `style` strays from its author's look.
_FIRST_DAY: Final = datetime(2020, 1, 1, tzinfo=UTC)
_SECONDS: Final = 4 * 365 * 86_400
_OBSERVED: Final = datetime(2024, 2, 1, tzinfo=UTC)
_MOODS: Final = (
    "misty",
    "golden",
    "quiet",
    "wild",
    "silver",
    "amber",
    "lonely",
    "high",
    "early",
    "blue",
    "far",
)
_PLACES: Final = ("fjord", "ridge", "tarn", "summit", "valley", "shore", "pass", "meadow", "glacier", "firs")

# What a random stream is for; with the seed and a number it says which.
_AUTHOR, _POST = 0, 1


@dataclass(frozen=True, slots=True)
class DrawnPicture:
    """A picture that is drawn when it is read.

    Attributes:
        scene: What it shows.
    """

    scene: Scene
    stored_digest: None = None

    @property
    def name(self) -> str:
        """What it is: drawings have no names."""
        return "a drawn landscape"

    def read(self) -> bytes:
        """Draws the scene and returns it as a JPEG of 256x256 pixels."""
        return encode_jpeg(draw(self.scene))


class Demo:
    """Made posts: likes = audience of the author times exp(appeal of the picture + noise).

    Three kinds: `planted` as said; `null`, where likes ignore the picture and noise is as wide as appeal and
    noise were; `style`, where each author has a look and an audience, and appeal is nil. Audience is
    log-normal and decided by the author alone; authors of `planted` and `null` photograph alike.

    Everything about a post follows from (kind, seed, number of authors, its index), so more posts are the
    same posts and some more. `Post.truth` says what the likes were made of. Sources are named `demo_planted`,
    `demo_null` and `demo_style`, and every post is marked `synthetic`.
    """

    def __init__(
        self, kind: Kind | None = "planted", posts: int = 6000, authors: int = 27, seed: int = 0
    ) -> None:
        """Takes what to make.

        Args:
            kind: What decides the likes: `planted`, `null` (or None, which is what a command line makes of
                it) or `style`.
            posts: How many posts.
            authors: How many authors share them; another number is another corpus.
            seed: Which corpus, 0 or more.

        Raises:
            LikerankError: If there is no such kind, or a number is too small.
        """
        kind = "null" if kind is None else kind
        if kind not in _KINDS:
            raise LikerankError(f"There is no demo corpus of kind {kind!r}; take one of {', '.join(_KINDS)}.")
        if posts < 1 or authors < 1 or seed < 0:
            raise LikerankError(
                f"A demo corpus of {posts} posts, {authors} authors and seed {seed} cannot be made; "
                "it takes at least one post, one author and a seed of 0."
            )
        self.kind: Kind = kind
        self.posts = posts
        self.seed = seed
        # Another seed or number of authors gives other posts, so they must not pass for the same ones.
        self._corpus = f"seed{seed}_of{authors}"
        self._authors = [self._author(number) for number in range(authors)]
        activity = np.cumsum([author.activity for author in self._authors])
        self._shares = activity / activity[-1]

    def records(self) -> Iterator[Record]:
        """Yields every author, then the posts in the order of their index."""
        for author in self._authors:
            yield author.record
        for index in range(self.posts):
            yield self._post(index)

    def count(self) -> int:
        """Returns how many records there are."""
        return len(self._authors) + self.posts

    def _author(self, number: int) -> "_MadeAuthor":
        rng = np.random.default_rng((self.seed, _AUTHOR, number))
        audience = float(rng.normal(_AUDIENCE_MEAN, _AUDIENCE_SD))
        activity = exp(rng.normal(0, _ACTIVITY_SD))
        followers = round(exp(audience + rng.normal(3, 0.5)))
        look = sample_look(rng)
        record = Author(
            source=f"demo_{self.kind}",
            author_id=f"{self._corpus}_author_{number:02d}",
            username=_username(number),
            followers=followers,
            observed_at=_OBSERVED,
        )
        return _MadeAuthor(record, audience, activity, look)

    def _post(self, index: int) -> Post:
        rng = np.random.default_rng((self.seed, _POST, index))
        author = self._authors[int(np.searchsorted(self._shares, rng.random(), side="right"))]
        scene = sample_scene(rng)
        if self.kind == "style":
            scene = replace(scene, look=_blend(author.look, scene.look))
        pleases = appeal(scene) if self.kind == "planted" else 0.0
        noise = rng.normal(0, hypot(APPEAL_SD, NOISE_SD) if self.kind == "null" else NOISE_SD)
        likes = round(exp(author.audience + pleases + noise))
        return Post(
            source=author.record.source,
            source_id=f"{self._corpus}_post_{index:06d}",
            author_id=author.record.author_id,
            username=author.record.username,
            picture=DrawnPicture(scene),
            likes=likes,
            comments=int(rng.poisson(0.03 * likes)),
            posted_at=_FIRST_DAY + timedelta(seconds=int(rng.integers(_SECONDS))),
            observed_at=_OBSERVED,
            truth=Truth(appeal=pleases, audience=author.audience),
            synthetic=True,
        )


@dataclass(frozen=True, slots=True)
class _MadeAuthor:
    record: Author
    audience: float
    activity: float
    look: Look


def _username(number: int) -> str:
    """Returns a name that no other number has."""
    again, number = divmod(number, len(_MOODS) * len(_PLACES))
    # The numbers of moods and places have no common divisor, so each pair comes once.
    name = f"{_MOODS[number % len(_MOODS)]}_{_PLACES[number % len(_PLACES)]}"
    return f"{name}_{again + 1}" if again else name


def _blend(look: Look, stray: Look) -> Look:
    """Returns the look, a little strayed."""
    return Look(
        **{
            field.name: (1 - _STRAY) * getattr(look, field.name) + _STRAY * getattr(stray, field.name)
            for field in fields(Look)
        }
    )
