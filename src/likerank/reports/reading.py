"""How to read a table: in pairs of photos, beside a coin, people and the ceiling, and how sure it is."""

from collections.abc import Iterable
from typing import Final

from likerank.evaluation import ScoreTable
from likerank.evaluation.scopes import NEARBY
from likerank.evaluation.scoring import TRUTH_APPEAL, TRUTH_APPEAL_AUDIENCE, ScoreRow

CONTROLS: Final = {"author_mean": "who posted", "author_then": "who posted when", "mean": "nothing"}
TRUTHS: Final = {TRUTH_APPEAL: "appeal", TRUTH_APPEAL_AUDIENCE: "appeal+audience"}
PEOPLE: Final = (
    "people who guess reach 68 of 100 on Reddit photos, near 90 where the counts are far apart "
    "(arXiv 1809.00740), and 52 to 53 in another trial"
)
_PAIRS: Final = "pairwise"
_WIDE: Final = 0.1


def leading_row(table: ScoreTable) -> ScoreRow | None:
    """Returns the pairs of the first predictor that sees pictures, in the scope that the table leads with."""
    return next(
        (
            row
            for row in table.rows
            if row.scope == table.headline and row.metric == _PAIRS and row.predictor not in CONTROLS | TRUTHS
        ),
        None,
    )


def reading_in_words(table: ScoreTable) -> Iterable[str]:
    """Yields what the first predictor gets right, as a photographer reads it, and how little that may say."""
    yield from _pairs_in_words(table)
    yield from _doubts_in_words(table)


def _pairs_in_words(table: ScoreTable) -> Iterable[str]:
    row = leading_row(table)
    if row is None or row.estimate is None:
        return
    pairs = "two photos of one person"
    if table.headline == NEARBY:
        pairs += f" at most {table.days:g} days apart"
    sure = "too few posts tell how sure that is"
    if row.low is not None and row.high is not None:
        sure = f"surely {100 * row.low:.0f} to {100 * row.high:.0f}"
    ceiling = "" if row.ceiling is None else f", the ceiling is {100 * row.ceiling:.0f}"
    yield (
        f"In words: of {pairs}, {row.predictor} names the more liked one in {100 * row.estimate:.0f} of 100 "
        f"pairs ({sure}); a coin does in 50{ceiling}; {PEOPLE}."
    )


def _doubts_in_words(table: ScoreTable) -> Iterable[str]:
    """Yields a warning where the leading score rests on too few posts, or does not surely beat chance."""
    row = leading_row(table)
    if row is None or row.chance is None:
        return
    helps = "evaluation.folds=5, snapshot.balance=none, a larger evaluation.days or more posts help"
    if row.estimate is None:
        yield f"No evidence: {row.note}; {helps}."
    elif row.low is None or row.high is None or row.high - row.low > 2 * _WIDE:
        yield (
            f"Few posts: the headline rests on {row.posts:,} posts of {row.authors:,} "
            f"author{'s' * (row.authors != 1)} and says little; {helps}."
        )
    elif row.low <= row.chance:
        yield f"Not surely better than a coin, on {row.posts:,} posts of {row.authors:,} authors; {helps}."
    if row.estimate is not None and row.authors == 1:
        yield "All ranked posts are of one author: for others the score says nothing."
