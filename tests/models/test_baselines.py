"""Baselines: each predicts as its name says, sees only its training rows, and is loaded from its file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from likerank.errors import LikerankError
from likerank.models.baselines import (
    BASELINES,
    AuthorMean,
    AuthorThen,
    Baseline,
    Linear,
    Mean,
    Ridge,
    create_baseline,
    load_baseline,
)

TRAINING, HELD_OUT = np.arange(150), np.arange(150, 200)
Kind = TypeVar("Kind", bound=Baseline)
every_baseline = pytest.mark.parametrize("name", BASELINES)


@dataclass(frozen=True)
class Corpus:
    """Photos whose target is how red they are, and as much noise again."""

    pixels: NDArray[np.uint8]
    posts: pd.DataFrame
    targets: NDArray[np.float32]

    def fit(self, baseline: Kind, rows: NDArray[np.intp] = TRAINING) -> Kind:
        return baseline.fit(self.pixels, self.posts, self.targets, rows)

    def predict(self, baseline: Baseline, rows: NDArray[np.intp] = HELD_OUT) -> NDArray[np.float64]:
        return baseline.predict(self.pixels, self.posts, rows)

    def rank(self, baseline: Baseline, rows: NDArray[np.intp] = HELD_OUT) -> NDArray[np.float64]:
        return baseline.rank(self.pixels, self.posts, rows)

    @property
    def matrix(self) -> NDArray[np.float64]:
        return self.pixels.reshape(len(self.pixels), -1).astype(np.float64)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)
    redness = pixels[..., 0].mean(axis=(1, 2))
    targets = (redness + random.normal(0, redness.std(), 200)) / 100
    authors = [f"demo/{number}" for number in random.integers(0, 5, 199)]
    posts = pd.DataFrame({"author": [*authors, "demo/stranger"], "likes": random.integers(0, 10_000, 200)})
    posts["posted_at"] = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(random.permutation(200), "D")
    return Corpus(pixels, posts, targets.astype(np.float32))


def test_mean_predicts_the_training_mean(corpus: Corpus) -> None:
    predicted = corpus.predict(corpus.fit(Mean()))
    assert_allclose(predicted, np.full(50, corpus.targets[TRAINING].astype(np.float64).mean()))


def test_author_mean_ranks_by_likes_and_predicts_the_target(corpus: Corpus) -> None:
    control = corpus.fit(AuthorMean())
    training = corpus.posts.iloc[TRAINING].assign(target=corpus.targets[TRAINING].astype(np.float64))
    means = training.groupby("author")[["likes", "target"]].mean()
    known = HELD_OUT[:-1]
    expected = means.loc[corpus.posts["author"].iloc[known]]
    assert_allclose(corpus.rank(control, known), expected["likes"])
    assert_allclose(corpus.predict(control, known), expected["target"])
    stranger = HELD_OUT[-1:]
    assert_allclose(corpus.rank(control, stranger), [training["likes"].mean()])
    assert_allclose(corpus.predict(control, stranger), [training["target"].mean()])


def test_author_then_takes_the_sixth_of_the_authors_training_posts_that_is_nearest_in_time(
    corpus: Corpus,
) -> None:
    author = np.array(["demo/a", "demo/b"])[np.random.default_rng(3).integers(0, 2, 200)]
    crowded = replace(corpus, posts=corpus.posts.assign(author=author))
    control = crowded.fit(AuthorThen())
    training = crowded.posts.iloc[TRAINING].assign(target=crowded.targets[TRAINING].astype(np.float64))
    for row, rank, predicted in zip(HELD_OUT, crowded.rank(control), crowded.predict(control), strict=True):
        post = crowded.posts.iloc[row]
        theirs = training[training["author"] == post["author"]]
        apart = (theirs["posted_at"] - post["posted_at"]).abs()
        number = max(5, min(30, len(theirs) // 6))
        nearest = theirs[apart <= apart.sort_values().iloc[number - 1]]
        if len(nearest) == number:  # Else two are as near.
            assert_allclose(rank, np.log1p(nearest["likes"]).mean())
            assert_allclose(predicted, nearest["target"].mean())


def test_author_then_without_a_date_or_a_known_author_takes_all(corpus: Corpus) -> None:
    control = corpus.fit(AuthorThen())
    assert_allclose(corpus.predict(control)[-1], corpus.targets[TRAINING].mean(), rtol=1e-6)
    nowhen = corpus.posts.drop(columns="posted_at")
    first = corpus.posts["author"].iloc[HELD_OUT[0]]
    theirs = (corpus.posts["author"].iloc[TRAINING] == first).to_numpy()
    expected = np.log1p(corpus.posts["likes"].iloc[TRAINING][theirs]).mean()
    assert_allclose(control.rank(corpus.pixels, nowhen, HELD_OUT)[0], expected)
    with pytest.raises(LikerankError, match="author_then needs dates, which no training post has"):
        replace(corpus, posts=nowhen).fit(AuthorThen())


def test_linear_is_ordinary_least_squares(corpus: Corpus) -> None:
    reference = sklearn.linear_model.LinearRegression().fit(corpus.matrix[TRAINING], corpus.targets[TRAINING])
    linear = corpus.fit(Linear())
    assert_allclose(corpus.predict(linear), reference.predict(corpus.matrix[HELD_OUT]), rtol=1e-6)


def test_ridge_is_scikit_learns_at_the_strength_it_chose(corpus: Corpus) -> None:
    ridge = corpus.fit(Ridge(seed=4))
    reference = sklearn.linear_model.Ridge(alpha=float(ridge.strength_))
    reference.fit(corpus.matrix[TRAINING], corpus.targets[TRAINING].astype(np.float64))
    assert_allclose(corpus.predict(ridge), reference.predict(corpus.matrix[HELD_OUT]), rtol=1e-9)


def test_ridge_predicts_where_linear_fits_noise(corpus: Corpus) -> None:
    def error(baseline: Baseline) -> float:
        predicted = corpus.predict(corpus.fit(baseline))
        return float(np.mean((predicted - corpus.targets[HELD_OUT]) ** 2))

    assert error(Ridge()) < error(Mean()) < error(Linear())


@pytest.mark.parametrize(("noise", "is_weak"), [(0.0, True), (1e6, False)])
def test_ridge_looks_beyond_its_grid(noise: float, is_weak: bool) -> None:
    """Without noise almost no penalty is best; with only noise almost no weights are."""
    many = np.random.default_rng(5).integers(0, 256, (1500, 3, 3, 3), dtype=np.uint8)
    signal = many.reshape(1500, -1) @ np.linspace(-1, 1, 27)
    values = signal + noise * np.random.default_rng(6).normal(size=1500)
    table = pd.DataFrame({"author": "a", "likes": np.arange(1500)})
    strength = Ridge().fit(many, table, values, np.arange(1500)).strength_
    mean_eigenvalue = 1200 * many.var()
    assert strength < 1e-3 * mean_eigenvalue if is_weak else strength > 1e2 * mean_eigenvalue


def test_ridge_draws_its_held_out_posts_by_the_seed(corpus: Corpus) -> None:
    first, again, other = (corpus.fit(Ridge(seed)) for seed in (1, 1, 2))
    assert_array_equal(first.coefficients_, again.coefficients_)
    assert not np.array_equal(first.coefficients_, other.coefficients_)


@every_baseline
def test_posts_outside_training_change_nothing(name: str, corpus: Corpus) -> None:
    targets, posts = corpus.targets.copy(), corpus.posts.copy()
    targets[HELD_OUT] = np.nan
    posts.loc[HELD_OUT, "likes"] = posts["likes"].iloc[HELD_OUT].to_numpy()[::-1] * 1000
    plain = corpus.fit(create_baseline(name))
    blind = replace(corpus, targets=targets, posts=posts).fit(create_baseline(name))
    assert_array_equal(corpus.predict(blind), corpus.predict(plain))
    assert_array_equal(corpus.rank(blind), corpus.rank(plain))


@every_baseline
def test_a_file_gives_the_fitted_baseline_back(name: str, corpus: Corpus, tmp_path: Path) -> None:
    fitted = corpus.fit(create_baseline(name, seed=7))
    fitted.save(tmp_path / "fitted.npz")
    again = load_baseline(tmp_path / "fitted.npz")
    assert type(again) is type(fitted)
    assert again.seed == 7
    assert_array_equal(corpus.predict(again), corpus.predict(fitted))
    assert_array_equal(corpus.rank(again), corpus.rank(fitted))
    assert [path.name for path in tmp_path.iterdir()] == ["fitted.npz"]


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04cut short"])
def test_a_broken_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fitted.npz"
    path.write_bytes(content)
    with pytest.raises(LikerankError, match=r"fitted\.npz is damaged .*delete it"):
        load_baseline(path)


@every_baseline
def test_no_training_posts_are_refused(name: str, corpus: Corpus) -> None:
    with pytest.raises(LikerankError, match=f"no training posts to fit baseline {name}"):
        corpus.fit(create_baseline(name), np.array([], dtype=np.intp))


def test_ridge_refuses_a_single_post(corpus: Corpus) -> None:
    with pytest.raises(LikerankError, match="ridge needs at least 2 training posts"):
        corpus.fit(Ridge(), np.array([3]))


@every_baseline
def test_two_posts_are_enough(name: str, corpus: Corpus) -> None:
    fitted = corpus.fit(create_baseline(name), np.array([3, 9]))
    assert np.isfinite(corpus.predict(fitted)).all()


def test_an_unknown_baseline_is_refused_with_the_known_names() -> None:
    with pytest.raises(
        LikerankError, match="'median': choose from mean, author_mean, author_then, linear, ridge"
    ):
        create_baseline("median")
