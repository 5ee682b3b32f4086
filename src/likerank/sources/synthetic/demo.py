"""The source demo: a synthetic corpus of drawn landscapes whose likes have a known cause."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from math import exp, hypot
from typing import Final, Literal, get_args

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
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

NOISE_SD: Final = 0.33
"""Standard deviation of the part of log likes that neither picture nor author decides."""

_AUDIENCE_MEAN, _AUDIENCE_SD = 7.0, 1.0
_ACTIVITY_SD: Final = 0.4  # Of the log of an author's share: a factor of about 5 between the extremes of 27.
_DEVIATION: Final = 0.12  # Weight of a photo's own look, beside its author's, in the kind `style`.
_FIRST_DAY: Final = datetime(2020, 1, 1, tzinfo=UTC)
_SECONDS: Final = 4 * 365 * 86_400
_OBSERVED: Final = datetime(2024, 2, 1, tzinfo=UTC)
_MOODS: Final = "misty golden quiet wild silver amber lonely high early blue far"
_PLACES: Final = "fjord ridge tarn summit valley shore pass meadow glacier firs"

# Kinds of random streams; the seed and a number complete a stream's key.
_AUTHOR, _POST = 0, 1


@dataclass(frozen=True, slots=True)
class DrawnPicture:
    """A picture that is drawn when it is read."""

    scene: Scene
    stored_digest: None = None

    @property
    def name(self) -> str:
        """The picture in messages: drawings have no names."""
        return "a drawn landscape"

    def read(self) -> bytes:
        """Draws the scene and returns it as a JPEG of 256x256 pixels."""
        return encode_jpeg(draw(self.scene))


class Demo:
    """Synthetic posts: likes = audience of the author times exp(appeal of the picture + noise).

    Three kinds: `planted` with this formula; `null`, where likes ignore the picture and the noise has the
    variance of appeal and noise together; `style`, where each author has a look and an audience, and the
    appeal is 0. The audience is log-normal and depends only on the author; authors of `planted` and `null`
    have no look of their own.

    A post follows from (kind, seed, number of authors, its index), so a larger corpus contains the smaller
    ones. `Post.truth` holds the causes of the likes. The sources are `demo_planted`, `demo_null` and
    `demo_style`, and every post is marked `synthetic`.

    Args:
        kind: `planted`, `null` (or None, as Hydra reads it) or `style`.
        posts: Number of posts.
        authors: Number of authors who share them; another number gives another corpus.
        seed: The seed of the corpus, 0 or more.

    Raises:
        LikerankError: If the kind is unknown or a number too small.
    """

    def __init__(
        self, kind: Kind | None = "planted", posts: int = 6000, authors: int = 27, seed: int = 0
    ) -> None:
        kind = "null" if kind is None else kind
        if kind not in _KINDS:
            raise LikerankError(f"There is no demo corpus of kind {kind!r}; give one of {', '.join(_KINDS)}.")
        if posts < 1 or authors < 1 or seed < 0:
            raise LikerankError(
                f"A demo corpus cannot have {posts} posts, {authors} authors and the seed {seed}; give at "
                "least one post, one author and a seed from 0 on."
            )
        self.kind: Kind = kind
        self.posts = posts
        self.seed = seed
        # Another seed or number of authors gives other posts, which need other ids.
        self._corpus = f"seed{seed}_of{authors}"
        self._authors = [self._author(number) for number in range(authors)]
        activity = np.cumsum([author.activity for author in self._authors])
        self._shares = activity / activity[-1]

    def records(self) -> Iterator[Record]:
        """Yields all authors, then the posts in the order of their index."""
        yield from (author.record for author in self._authors)
        yield from map(self._post, range(self.posts))

    def count(self) -> int:
        """Returns the number of records."""
        return len(self._authors) + self.posts

    def _author(self, number: int) -> "_SyntheticAuthor":
        rng = np.random.default_rng((self.seed, _AUTHOR, number))
        audience = float(rng.normal(_AUDIENCE_MEAN, _AUDIENCE_SD))
        activity = exp(rng.normal(0, _ACTIVITY_SD))
        record = Author(
            source=f"demo_{self.kind}",
            author_id=f"{self._corpus}_author_{number:02d}",
            username=_username(number),
            followers=round(exp(audience + rng.normal(3, 0.5))),
            observed_at=_OBSERVED,
        )
        return _SyntheticAuthor(record, audience, activity, sample_look(rng))

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
class _SyntheticAuthor:
    record: Author
    audience: float
    activity: float
    look: Look


def _username(number: int) -> str:
    """Returns a unique name."""
    moods, places = _MOODS.split(), _PLACES.split()
    again, number = divmod(number, len(moods) * len(places))
    # The numbers of moods and places have no common divisor, so each pair occurs once.
    name = f"{moods[number % len(moods)]}_{places[number % len(places)]}"
    return f"{name}_{again + 1}" if again else name


def _blend(look: Look, own: Look) -> Look:
    """Returns an author's look with a photo's deviation."""
    pairs = {field.name: (getattr(look, field.name), getattr(own, field.name)) for field in fields(Look)}
    return Look(**{name: (1 - _DEVIATION) * a + _DEVIATION * b for name, (a, b) in pairs.items()})
