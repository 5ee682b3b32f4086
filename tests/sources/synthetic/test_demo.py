"""The demo corpus is repeatable, grows without changing, and its likes have their stated cause."""

import pickle
from collections import Counter
from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likerank.errors import LikerankError
from likerank.images import make_stored_image
from likerank.records import Author, Post
from likerank.sources import Demo
from likerank.sources.synthetic.demo import NOISE_SD, DrawnPicture, Kind
from likerank.sources.synthetic.landscapes import APPEAL_SD, Look, appeal

KINDS: tuple[Kind, ...] = ("planted", "null", "style", "growing")


def posts(demo: Demo) -> list[Post]:
    return [record for record in demo.records() if isinstance(record, Post)]


def authors(demo: Demo) -> list[Author]:
    return [record for record in demo.records() if isinstance(record, Author)]


def truth(corpus: list[Post]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns appeal, audience and log likes of the posts."""
    return (
        np.array([post.truth.appeal for post in corpus if post.truth]),
        np.array([post.truth.audience for post in corpus if post.truth]),
        np.log([post.likes + 0.5 for post in corpus if post.likes is not None]),
    )


def look_of(post: Post) -> Look:
    assert isinstance(post.picture, DrawnPicture)
    return post.picture.scene.look


@settings(max_examples=settings().max_examples // 2)
@given(
    st.sampled_from(KINDS), st.integers(1, 30), st.integers(0, 30), st.integers(1, 40), st.integers(0, 2**32)
)
def test_more_posts_are_the_same_posts_and_some_more(
    kind: Kind, few: int, more: int, crowd: int, seed: int
) -> None:
    small, large = Demo(kind, few, crowd, seed), Demo(kind, few + more, crowd, seed)
    assert list(large.records())[: small.count()] == list(small.records())
    assert len(list(large.records())) == large.count()


def test_a_picture_is_small_and_equal_in_another_process() -> None:
    picture = posts(Demo(posts=1))[0].picture
    travelled = pickle.dumps(picture)
    assert len(travelled) < 1500
    assert pickle.loads(travelled).read() == picture.read()  # noqa: S301
    assert picture.stored_digest is None


def test_a_picture_is_a_whole_jpeg() -> None:
    stored = make_stored_image(posts(Demo(posts=1))[0].picture.read(), "a drawing")
    assert (stored.width, stored.height) == (256, 256)


@pytest.mark.parametrize("kind", KINDS)
def test_records_name_their_synthetic_source(kind: Kind) -> None:
    demo = Demo(kind, posts=500)
    corpus, makers = posts(demo), authors(demo)
    assert {record.source for record in demo.records() if isinstance(record, Author | Post)} == {
        f"demo_{kind}"
    }
    assert {post.author_key: post.username for post in corpus} == {
        author.key: author.username for author in makers
    }
    assert len({post.key for post in corpus}) == 500
    assert len({author.username for author in authors(Demo(authors=300))}) == 300
    assert all(post.posted_at and post.observed_at and post.posted_at < post.observed_at for post in corpus)


def test_other_seeds_and_numbers_of_authors_share_no_post() -> None:
    corpora = [Demo(posts=50), Demo(posts=50, seed=1), Demo(posts=50, authors=26)]
    keys = [{post.key for post in posts(demo)} for demo in corpora]
    pictures = [{post.picture for post in posts(demo)} for demo in corpora]
    assert len(set.union(*keys)) == 150
    assert not pictures[0] & pictures[1]


def test_authors_are_active_and_followed_unequally() -> None:
    demo = Demo()
    per_author = Counter(post.author_key for post in posts(demo))
    assert 3 < max(per_author.values()) / min(per_author.values()) < 9
    audience = {post.author_key: post.truth.audience for post in posts(demo) if post.truth}
    followers = {author.key: np.log(author.followers) for author in authors(demo) if author.followers}
    assert np.corrcoef([audience[key] for key in followers], list(followers.values()))[0, 1] > 0.7


def test_planted_likes_are_audience_times_appeal_and_noise() -> None:
    corpus = posts(Demo("planted"))
    appeals, audience, log_likes = truth(corpus)
    assert [appeal(post.picture.scene) for post in corpus if isinstance(post.picture, DrawnPicture)] == list(
        appeals
    )
    noise = log_likes - audience - appeals
    assert noise.mean() == pytest.approx(0, abs=0.03)
    assert noise.std() == pytest.approx(NOISE_SD, rel=0.05)
    for cause in (audience, appeals):
        assert abs(np.corrcoef(noise, cause)[0, 1]) < 4 / np.sqrt(len(corpus))
    assert abs(np.corrcoef(appeals, audience)[0, 1]) < 4 / np.sqrt(len(corpus))


@pytest.mark.parametrize(("kind", "spread"), [("null", np.hypot(APPEAL_SD, NOISE_SD)), ("style", NOISE_SD)])
def test_likes_of_null_and_style_ignore_the_picture(kind: Kind, spread: float) -> None:
    corpus = posts(Demo(kind))
    appeals, audience, log_likes = truth(corpus)
    assert not appeals.any()
    noise = log_likes - audience
    assert noise.std() == pytest.approx(spread, rel=0.05)
    for name in Look.__slots__:
        seen = np.array([getattr(look_of(post), name) for post in corpus])
        assert abs(np.corrcoef(noise, seen)[0, 1]) < 4 / np.sqrt(len(corpus))


def test_only_style_gives_each_author_a_look() -> None:
    def spread_within_authors(kind: Kind) -> float:
        corpus = posts(Demo(kind, posts=2000))
        looks = np.array([[getattr(look_of(post), name) for name in Look.__slots__] for post in corpus])
        keys = np.array([post.author_key for post in corpus])
        within = [looks[keys == key].var(axis=0) for key in np.unique(keys)]
        return float((np.mean(within, axis=0) / looks.var(axis=0)).max())

    assert spread_within_authors("style") < 0.05
    assert spread_within_authors("planted") > 0.95


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        ({"kind": "cats"}, "'cats'"),
        ({"posts": 0}, "0 posts"),
        ({"authors": 0}, "0 authors"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_invalid_arguments_are_errors(arguments: dict[str, int], culprit: str) -> None:
    with pytest.raises(LikerankError, match=culprit):
        Demo(**arguments)  # type: ignore[arg-type]


def years_of(corpus: list[Post]) -> np.ndarray:
    return np.array([post.posted_at.timestamp() for post in corpus if post.posted_at]) / (365 * 86_400)


def growth_of(demo: Demo) -> float:
    corpus = posts(demo)
    years, (_, _, logs) = years_of(corpus), truth(corpus)
    author = np.array([post.author_id for post in corpus])
    for each in np.unique(author):
        mine = author == each
        logs[mine] -= logs[mine].mean()
        years[mine] -= years[mine].mean()
    return float(np.exp(4 * (years @ logs) / (years @ years)))


def test_audiences_grow_as_told_and_no_others_do() -> None:
    assert growth_of(Demo("growing", 3000, 5)) == pytest.approx(10, rel=0.15)
    assert growth_of(Demo("planted", 3000, 5, growth=3)) == pytest.approx(3, rel=0.15)
    assert growth_of(Demo("planted", 3000, 5)) == pytest.approx(1, rel=0.15)


def test_pictures_of_a_growing_corpus_tell_their_year_and_not_their_likes() -> None:
    corpus = posts(Demo("growing", 600, 5))
    assert not truth(corpus)[0].any()
    looks = np.array([astuple(look_of(post)) for post in corpus])
    when = years_of(corpus)
    apart = (looks - looks.mean(0)) / (looks.std(0) + 1e-9)
    fitted = apart @ np.linalg.lstsq(apart, when - when.mean(), rcond=None)[0]
    assert np.corrcoef(fitted, when)[0, 1] > 0.9


@pytest.mark.parametrize("growth", [0, -1, float("nan"), float("inf"), True])
def test_a_growth_that_is_no_factor_is_refused(growth: float) -> None:
    with pytest.raises(LikerankError, match="growth of a demo corpus cannot be"):
        Demo("planted", 3, 1, growth=growth)


def test_comments_follow_likes() -> None:
    corpus = sorted(posts(Demo(posts=600)), key=lambda post: post.likes or 0)
    thirds = [
        np.mean([post.comments or 0 for post in corpus[start : start + 200]]) for start in (0, 200, 400)
    ]
    assert all(fewer < more for fewer, more in pairwise(thirds))


def test_the_null_of_a_command_line_is_the_null_corpus() -> None:
    assert Demo(None, posts=1).kind == "null"
