"""The printed table shows the scores that were computed, and says what they mean and what is missing."""

import json
import re
from functools import cache
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from likerank.evaluation import Metric, Scores, ScoreTable, score_table
from likerank.evaluation.scored_posts import FloatArray
from likerank.reports.table import print_score_table

COLUMNS = ["pairwise", "±", "position_match_2", "position_match_5", "position_match_10"]
COLUMNS += ["spearman", "kendall", "ndcg", "skill"]
PREDICTORS = ["network", "ridge", "author_mean", "mean", "appeal", "appeal+audience"]


@cache
def synthetic_table(posts: int = 400, authors: int = 12, *, truth: bool = True) -> ScoreTable:
    random = np.random.default_rng(0)
    author = random.integers(0, authors, posts)
    audience, appeal = random.normal(7, 0.8, authors)[author], 0.6 * random.normal(size=posts)
    likes = np.round(np.exp(audience + appeal + 0.35 * random.normal(size=posts)))
    network, ridge = (appeal + noise * random.normal(size=posts) for noise in (0.3, 0.9))
    constant = np.zeros(posts)
    predictors = {
        "network": Scores(network, network),
        "ridge": Scores(ridge, ridge),
        "author_mean": Scores(audience, constant),
        "mean": Scores(constant, constant),
    }
    return score_table(likes, np.log1p(likes), author, predictors, (appeal, audience) if truth else None)


def printed(table: ScoreTable, width: int = 120, *, styles: bool = False) -> str:
    screen = StringIO()
    console = Console(file=screen, width=width, force_terminal=styles)
    print_score_table(table, title="the title", caption=["synthetic, never Instagram"], console=console)
    return screen.getvalue()


def numbers_of(text: str, name: str) -> list[list[str]]:
    return [line.split()[1:] for line in text.splitlines() if re.match(rf"{re.escape(name)} +[-.\d]", line)]


def expected_numbers(table: ScoreTable, name: str, scope: str) -> list[float | None]:
    key = {"appeal": "truth_appeal", "appeal+audience": "truth_appeal_audience"}.get(name, name)
    rows = {row.metric: row for row in table.rows if (row.predictor, row.scope) == (key, scope)}
    pairs = rows["pairwise"]
    assert pairs.estimate is not None
    assert pairs.high is not None
    special = {"±": pairs.high - pairs.estimate, "skill": pairs.skill}
    return [special[column] if column in special else rows[column].estimate for column in COLUMNS]


@pytest.mark.parametrize("name", PREDICTORS)
def test_prints_the_numbers_with_scopes_side_by_side(name: str) -> None:
    table = synthetic_table()
    (numbers,) = numbers_of(printed(table), name)
    expected = expected_numbers(table, name, "within") + expected_numbers(table, name, "across")
    assert [float(number) for number in numbers] == pytest.approx(expected, abs=0.0005001)


@pytest.mark.parametrize("name", PREDICTORS)
def test_prints_scopes_one_below_the_other_on_narrow_screens(name: str) -> None:
    table = synthetic_table()
    text = printed(table, width=90)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 90
    for numbers, scope in zip(numbers_of(text, name), ("within", "across"), strict=True):
        assert [float(number) for number in numbers] == pytest.approx(
            expected_numbers(table, name, scope), abs=0.0005001
        )


def test_no_number_is_cut_at_any_width_from_eighty() -> None:
    table = synthetic_table()
    for width in (80, 100, 110, 115, 120, 160):
        text = printed(table, width)
        assert "network" in text
        assert "…" not in text


def test_chance_stands_beside_the_scores() -> None:
    (numbers,) = numbers_of(printed(synthetic_table()), "chance")
    assert numbers[:5] == [".500", "-", ".500", ".200", ".100"]


def test_the_best_of_each_column_is_bold_and_the_truth_never() -> None:
    lines = printed(synthetic_table(), width=90, styles=True).splitlines()
    bold = {
        name: sum("\x1b[1m" in cell for cell in re.split(r" +", line)[1:])
        for line in lines[:14]
        for name in PREDICTORS
        if re.match(rf"{re.escape(name)} ", line)
    }
    assert bold == {"network": 8, "ridge": 0, "author_mean": 0, "mean": 0, "appeal": 0, "appeal+audience": 0}


def test_says_who_sees_what_and_what_the_posts_are() -> None:
    text = " ".join(printed(synthetic_table()).split())
    assert "network, ridge the picture only; author_mean who posted; mean nothing" in text
    assert "synthetic, never Instagram" in text
    assert text.startswith("the title")
    assert "400 posts of 12 authors" in text


def test_says_why_a_score_is_absent() -> None:
    table = synthetic_table(posts=40, authors=12)
    text = printed(table)
    assert "of 10: no author has 10 posts in this split." in text
    (numbers,) = numbers_of(text, "network")
    assert numbers[4] == "-"


def test_no_truth_leaves_out_ceiling_and_skill() -> None:
    text = printed(synthetic_table(truth=False))
    assert "ceiling" not in text
    (numbers,) = numbers_of(text, "network")
    assert numbers[8] == "-"


def test_shows_a_metric_of_another_package_by_the_words_in_json() -> None:
    def top_1(y_true: FloatArray, y_score: FloatArray) -> float:
        return float(y_true[y_score.argmax()] == y_true.max())

    random = np.random.default_rng(0)
    likes, author = random.normal(size=80), np.repeat(np.arange(8), 10)
    scores = {"network": Scores(likes + random.normal(size=80), likes)}
    table = score_table(
        likes,
        likes,
        author,
        scores,
        metrics=[
            Metric(name="top_1", statistic=top_1, label="best", sentence="how often the best post is found"),
            Metric(name="hidden", statistic=top_1, shown=False),
        ],
    )
    content = json.loads(json.dumps(table.to_json()))
    text = printed(ScoreTable.from_json(content))
    heading = next(line for line in text.splitlines() if "pairs" in line)
    headings = " ".join(heading.split())
    assert headings == " ".join(2 * ["pairs ± of 2 of 5 of 10 rho tau ndcg best skill"])
    assert "best: how often the best post is found." in " ".join(text.split())
    assert "hidden" not in text
    # A table of a version without words in its JSON has the default columns.
    del content["metrics"]
    assert "best" not in printed(ScoreTable.from_json(content))
