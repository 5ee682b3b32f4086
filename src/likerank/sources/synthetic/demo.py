"""The source demo: a synthetic corpus of drawn landscapes whose likes have a known cause."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from math import exp, hypot, inf, log
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

Kind = Literal["planted", "null", "style", "growing"]
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

NOISE_SD: Final = 0.33
"""Standard deviation of the part of log likes that neither picture nor author decides."""

_AUDIENCE_MEAN, _AUDIENCE_SD = 7.0, 1.0
_ACTIVITY_SD: Final = 0.4  # Of the log of an author's share: a factor of about 5 between the extremes of 27.
_DEVIATION: Final = 0.12  # Weight of a photo's own look, beside its author's, in the kind `style`.
_CHANCE: Final = ("null", "growing")  # Kinds whose likes have nothing to do with the picture.
_FIRST_DAY: Final = datetime(2020, 1, 1, tzinfo=UTC)
_SECONDS: Final = 4 * 365 * 86_400
_OBSERVED: Final = datetime(2024, 2, 1, tzinfo=UTC)
_MOODS: Final = "misty golden quiet wild silver amber lonely high early blue far"
_PLACES: Final = "fjord ridge tarn summit valley shore pass meadow glacier firs"

# Kinds of random streams; the seed and a number complete a stream's key.
_AUTHOR, _POST, _ERA, _DATE = 0, 1, 2, 3
_GROWTH: Final = 10.0  # Of an audience in the corpus' four years, in the kind `growing`.


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

    Four kinds: `planted` with this formula; `null`, where likes ignore the picture and the noise has the
    variance of appeal and noise together; `style`, where each author has a look and an audience, and the
    appeal is 0; `growing`, which is `null` with audiences that grow tenfold in the corpus' four years, while
    the look of all pictures changes. The audience is log-normal and depends on the author, and on the date
    where it grows; authors of `planted`, `null` and `growing` have no look of their own.

    A post follows from (kind, growth, seed, number of authors, its index), so a larger corpus contains the
    smaller ones. `Post.truth` holds the causes of the likes. The sources are `demo_planted`, `demo_null`,
    `demo_style` and `demo_growing`, and every post is marked `synthetic`.

    Args:
        kind: `planted`, `null` (or None, as Hydra reads it), `style` or `growing`.
        posts: Number of posts.
        authors: Number of authors who share them; another number gives another corpus.
        seed: The seed of the corpus, 0 or more.
        growth: How many times larger an audience is after the four years than at their start, above 0; None
            for 10 in the kind `growing` and 1, no growth, in the others.

    Raises:
        LikerankError: If the kind is unknown or a number too small.
    """

    def __init__(
        self,
        kind: Kind | None = "planted",
        posts: int = 6000,
        authors: int = 27,
        seed: int = 0,
        growth: float | None = None,
    ) -> None:
        kind = "null" if kind is None else kind
        if kind not in _KINDS:
            raise LikerankError(f"There is no demo corpus of kind {kind!r}; give one of {', '.join(_KINDS)}.")
        if posts < 1 or authors < 1 or seed < 0:
            raise LikerankError(
                f"A demo corpus cannot have {posts} posts, {authors} authors and the seed {seed}; give at "
                "least one post, one author and a seed from 0 on."
            )
        if growth is None:
            growth = _GROWTH if kind == "growing" else 1.0
        if isinstance(growth, bool) or not isinstance(growth, int | float) or not 0 < growth < inf:
            raise LikerankError(f"The growth of a demo corpus cannot be {growth}; give a factor above 0.")
        self.kind: Kind = kind
        self._log_growth = log(growth)
        self.posts = posts
        self.seed = seed
        # Another seed or number of authors gives other posts, which need other ids.
        usual = growth == (_GROWTH if kind == "growing" else 1.0)
        self._corpus = f"seed{seed}_of{authors}" + ("" if usual else f"_growth{growth:g}")
        of_eras = np.random.default_rng((seed, _ERA))
        self._first_look, self._last_look = sample_look(of_eras), sample_look(of_eras)
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
        # Of four years; a corpus that does not grow draws its dates last, as it did before there was growth.
        passed = None
        if self._log_growth or self.kind == "growing":
            passed = float(np.random.default_rng((self.seed, _DATE, index)).random())
        if self.kind == "growing" and passed is not None:
            era = _blend(self._first_look, self._last_look, passed)
            scene = replace(scene, look=_blend(era, scene.look))
        audience = author.audience + (0.0 if passed is None else self._log_growth * (passed - 0.5))
        pleases = appeal(scene) if self.kind == "planted" else 0.0
        noise = rng.normal(0, hypot(APPEAL_SD, NOISE_SD) if self.kind in _CHANCE else NOISE_SD)
        likes = round(exp(audience + pleases + noise))
        return Post(
            source=author.record.source,
            source_id=f"{self._corpus}_post_{index:06d}",
            author_id=author.record.author_id,
            username=author.record.username,
            picture=DrawnPicture(scene),
            likes=likes,
            comments=int(rng.poisson(0.03 * likes)),
            posted_at=_FIRST_DAY
            + timedelta(seconds=int(rng.integers(_SECONDS) if passed is None else passed * _SECONDS)),
            observed_at=_OBSERVED,
            truth=Truth(appeal=pleases, audience=audience),
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


def _blend(look: Look, own: Look, weight: float = _DEVIATION) -> Look:
    """Returns a look with a deviation towards another, such as a photo's own."""
    pairs = {field.name: (getattr(look, field.name), getattr(own, field.name)) for field in fields(Look)}
    return Look(**{name: (1 - weight) * a + weight * b for name, (a, b) in pairs.items()})
