"""A metric of the user's own needs one function: its interval, chance and place in tables come with it."""

import json

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy import stats

from likerank.errors import LikerankError
from likerank.evaluation import Metric, Scores, ScoreTable, UndefinedMetricError, score_table
from likerank.evaluation.configurations import Candidate, compare_candidates
from likerank.evaluation.intervals import interval, paired_difference
from likerank.evaluation.metrics import BANDS, spearman
from likerank.evaluation.scored_posts import FloatArray, ScoredPosts
from likerank.evaluation.scoring import find_metric
from tests.evaluation.test_intervals import authors_of, covers, noisy


def top_1(y_true: FloatArray, y_score: FloatArray) -> float:
    return float(y_true[y_score.argmax()] == y_true.max())


def rho(y_true: FloatArray, y_score: FloatArray) -> float:
    return float(stats.spearmanr(y_true, y_score).statistic)


def pearson(y_true: FloatArray, y_score: FloatArray) -> float:
    truth, score = y_true - y_true.mean(), y_score - y_score.mean()
    return float(truth @ score / np.sqrt((truth @ truth) * (score @ score)))


TOP_1 = Metric(
    name="top_1",
    statistic=top_1,
    label="top",
    sentence="how often the best post is found",
    lowest=0,
    highest=1,
)
PEARSON = Metric(name="pearson", statistic=pearson, lowest=-1, highest=1)
RHO = Metric(name="rho", statistic=rho, lowest=-1, highest=1)


def test_averages_the_statistic_over_authors_by_posts() -> None:
    truth, score = [1, 2, 3, 9, 8, 5, 5], [1, 2, 3, 1, 2, 1, 2]
    assert TOP_1(truth, score) == 0
    # Hit, miss; the last author's posts are liked equally and give nothing to rank.
    assert TOP_1(truth, score, [0, 0, 0, 1, 1, 2, 2]) == pytest.approx(3 / 5)


@pytest.mark.parametrize("authors", [1, 8])
def test_the_generic_interval_equals_the_exact_one(authors: int) -> None:
    truth, score = noisy(np.random.default_rng(0), 160)
    groups = authors_of(authors, 160 // authors)
    found, exact = (interval(metric, truth, score, groups) for metric in (RHO, spearman))
    assert found.estimate == pytest.approx(exact.estimate)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.standard_error == pytest.approx(exact.standard_error)


def test_many_posts_are_left_out_in_blocks() -> None:
    truth, score = noisy(np.random.default_rng(1), 3001)
    sums, group = RHO.leave_out(ScoredPosts(truth, score))
    assert sums.denominator.shape == group.shape == (200,)
    assert set(sums.denominator) == {3001 - 15, 3001 - 16}
    found, exact = (interval(metric, truth, score) for metric in (RHO, spearman))
    assert found.estimate == pytest.approx(exact.estimate)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.estimate == pytest.approx(found.estimate - found.low)
    assert found.standard_error == pytest.approx(exact.standard_error, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "authors", "posts", "most"),
    [(PEARSON, 1, 1200, 0.985), (PEARSON, 27, 22, 0.995), (TOP_1, 27, 22, 1.0)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_the_generic_interval_covers_as_often_as_it_says(
    metric: Metric, authors: int, posts: int, most: float
) -> None:
    random = np.random.default_rng(2)
    groups, repeats = authors_of(authors, posts), 200
    found = [interval(metric, *noisy(random, authors * posts), groups) for _ in range(repeats)]
    true_value = float(np.mean([each.estimate for each in found]))
    covered = np.mean([covers(each, true_value) for each in found])
    assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / repeats) < covered <= most


def test_a_paired_difference_of_a_score_to_itself_is_0() -> None:
    truth, score = noisy(np.random.default_rng(3), 1500)
    found = paired_difference(PEARSON, truth, score, 2 * score)
    assert (found.estimate, found.low, found.high) == (0, 0, 0)


def test_chance_is_estimated_unless_the_metric_states_it() -> None:
    posts = ScoredPosts(np.arange(80), np.zeros(80), np.repeat(np.arange(20), 4))
    assert TOP_1.chance_among(posts) == pytest.approx(1 / 4, abs=0.03)
    stated = Metric(name="top_1", statistic=top_1, chance=0.25)
    assert stated.chance_among(posts) == 0.25
    with pytest.raises(UndefinedMetricError):
        stated.chance_among(ScoredPosts(np.zeros(4), np.arange(4)))


def table_with(*metrics: Metric) -> ScoreTable:
    truth, score = noisy(np.random.default_rng(4), 200)
    scores = {"network": Scores(score, score), "mean": Scores(np.zeros(200), np.zeros(200))}
    return score_table(truth, truth, np.repeat(np.arange(10), 20), scores, metrics=metrics)


def test_a_table_holds_the_users_metric_beside_the_others() -> None:
    error = Metric(name="mae", statistic=lambda t, s: float(np.abs(t - s).mean()), lowest=0, on_target=True)
    table = table_with(TOP_1, error)
    plain = {
        key: value for key, value in table.to_metrics().items() if key.split("/")[2] not in ("top_1", "mae")
    }
    assert plain == table_with().to_metrics()
    assert set(table.to_metrics()) - set(plain) == {
        f"{predictor}/{scope}/{metric}"
        for predictor in ("network", "mean")
        for scope in ("across", "within", "headline")
        for metric in ("top_1", "mae")
    }
    (row,) = (r for r in table.rows if (r.predictor, r.scope, r.metric) == ("network", "within", "top_1"))
    assert row.estimate is not None
    assert row.low is not None
    assert row.chance == pytest.approx(1 / 20, abs=0.03)
    assert (row.posts, row.authors) == (200, 10)
    hidden = [words.name for words in table.metrics if not words.shown]
    assert hidden == ["mse", "mae", *(band.name for band in BANDS)]
    assert ScoreTable.from_json(json.loads(json.dumps(table.to_json(), allow_nan=False))) == table


def test_a_statistic_that_is_nan_leaves_the_score_absent() -> None:
    table = table_with(Metric(name="nothing", statistic=lambda *_: float("nan")))
    rows = [row for row in table.rows if row.metric == "nothing"]
    assert {(row.estimate, row.chance) for row in rows} == {(None, None)}
    assert all("nothing is NaN" in row.note for row in rows)


def test_configurations_are_compared_by_the_users_metric() -> None:
    metric, scope = find_metric("within/top_1", [TOP_1])
    assert (metric, scope) == (TOP_1, "within")
    truth, score = noisy(np.random.default_rng(5), 200)
    candidates = [Candidate("good", {0: score + truth}), Candidate("bad", {0: -score})]
    compared = compare_candidates(metric, truth, candidates, np.repeat(np.arange(10), 20))
    assert compared.verdict == "good is better than bad."
    assert compared.chance == pytest.approx(1 / 20, abs=0.03)


@pytest.mark.parametrize("key", ["within/mse", "pairwise", "within/top_1"])
def test_an_unknown_metric_key_is_refused(key: str) -> None:
    with pytest.raises(
        LikerankError, match=r"must be headline/, nearby/, within/ or across/ and one of pairwise, .*, ndcg"
    ):
        find_metric(key)


def test_invalid_metrics_are_refused() -> None:
    with pytest.raises(LikerankError, match="name 'a/b' is invalid"):
        Metric(name="a/b", statistic=top_1)
    with pytest.raises(LikerankError, match="top has no statistic"):
        Metric(name="top")
    with pytest.raises(LikerankError, match="two metrics with the name ndcg"):
        table_with(Metric(name="ndcg", statistic=top_1))


def test_hydra_makes_a_group_of_metrics() -> None:
    path = f"{top_1.__module__}.top_1"
    chosen = {
        "top_1": {
            "_target_": "likerank.evaluation.Metric",
            "name": "top_1",
            "statistic": {"_target_": "hydra.utils.get_method", "path": path},
        }
    }
    (metric,) = instantiate(OmegaConf.create(chosen)).values()
    assert metric([1, 2, 3], [1, 2, 3]) == 1
