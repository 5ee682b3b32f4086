"""The targets of an analysis: whether followers matter, and which target to learn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likerank.analysis.figures.targets import leak_figure, targets_over_time_figure
from likerank.analysis.page import PageFigure, Section
from likerank.analysis.posts import Posts
from likerank.analysis.statistics.author_share import author_share
from likerank.analysis.statistics.date_leak import DateLeak
from likerank.analysis.statistics.measured_targets import measured_targets
from likerank.analysis.statistics.target_choice import TargetFacts, expected_share, recommended, target_facts
from likerank.dataset import TRAIN
from likerank.errors import LikerankError
from likerank.evaluation.intervals import interval
from likerank.evaluation.metrics import spearman
from likerank.models.target import days_since_1970


def do_followers_matter(posts: Posts) -> tuple[Section, dict[str, NDArray[np.float32]], dict[str, float]]:
    """Answers whether authors with more followers have more likes, and describes each target.

    Returns:
        The section, the targets of the kept posts by name, and the numbers that runs are compared by.
    """
    kept = posts.kept
    authors = kept["author"].to_numpy(str)
    training = (kept["split"] == TRAIN).to_numpy()
    days = days_since_1970(kept)
    dated = bool(np.isfinite(days).any())
    likes = kept["likes"].to_numpy(np.float64)
    of_targets, targets = measured_targets(kept)
    facts = [target_facts("likes", likes, authors, training=None, days=days if dated else None), *of_targets]
    expected = expected_share(authors)
    advice = recommended(of_targets, authors[training])
    table = [_row(each, expected) for each in facts]
    place = kept["author"].map(posts.counted.groupby("author")["place"].first())
    placed = kept.assign(place=place.to_numpy(), likes=likes)
    leak = leak_figure(facts, expected, advice.target)
    over_time = "Likes and every target against time, coloured by author: layers of colour are a leak."
    figures = [
        PageFigure("targets", over_time, targets_over_time_figure(placed, targets, dated)),
        PageFigure("leak", "The part of each target that the author explains.", leak),
    ]
    sentences = [
        "Targets are fitted on training posts only. η²: the share of the variance that the author explains; "
        "by chance: η² of authors who explain nothing. Author's mean ranks: of two posts, how often the mean "
        "of each one's author orders them rightly (50 % is chance), on posts that the target was not fitted "
        "on. By date: the part of the variance within authors that the mean of the author's training posts "
        "around the date explains; when orders: the share of an author's pairs, and of pairs nearby, that "
        "this mean orders rightly. Goes with date: Spearman within an author. Outer 1 %: the share of the "
        "variance in a hundredth of the posts. Spread: the standard deviation within an author, the 90th "
        "percentile of authors over the 10th.",
    ]
    numbers = {
        "expected_share": expected,
        "targets": [each.to_json() for each in facts],
        "recommended": advice.target,
        "reason": advice.reason,
        "when": does_when_leak(facts),
    }
    answer = (
        f"{_followers_in_words(posts)} Does when leak? {does_when_leak(facts)} "
        f"Recommended target: {advice.reason}"
    )
    section = Section("Do followers matter?", sentences, figures, table, answer, {"followers": numbers})
    shares = {f"author_share/{each.name}": each.share for each in facts if not each.missing}
    ranked = {f"author_mean/{each.name}": each.ranking for each in facts if each.ranking is not None}
    return section, targets, shares | ranked


def _followers_in_words(posts: Posts) -> str:
    share = author_share(posts.counted["log"], posts.counted["author"])
    chance = expected_share(posts.counted["author"])
    said = f"Who posted explains {share:.0%} of the variance of log likes ({chance:.0%} would be chance)"
    by_author = posts.counted.groupby("author")
    followers = by_author["followers"].max()
    known = followers.notna()
    medians = by_author["likes"].median()
    try:
        rho = interval(spearman, medians[known], followers[known].astype(np.float64))
    except LikerankError:
        rho = None
    if rho is None or rho.low is None or rho.high is None:
        return f"{said}; too few followers are known to tell whether they matter."
    numbers = f"Spearman {rho.estimate:+.2f}, {rho.low:+.2f} to {rho.high:+.2f}, {int(known.sum()):,} authors"
    if rho.low > 0:
        weakly = ", though weakly" if rho.estimate < 0.3 else ""
        return f"Yes{weakly}: authors with more followers have more likes ({numbers}). {said}."
    if rho.high < 0:
        return (
            f"Yes, but the wrong way round: authors with more followers have fewer likes ({numbers}). {said}."
        )
    return f"Not surely: authors with more followers do not surely have more likes ({numbers}). {said}."


def _ordered(leak: DateLeak) -> str:
    nearby = "" if leak.nearby is None else f" / {leak.nearby.estimate:.1%}"
    return f"{leak.within.estimate:.1%}{nearby}"


def does_when_leak(facts: Sequence[TargetFacts]) -> str:
    """Returns the answer to the third question: whether the date orders an author's posts."""
    known = [(each.name, each.when) for each in facts if each.when is not None]
    if not known:
        return "Too few posts have dates to tell."
    leaking = [(name, when) for name, when in known if when.excess > 0]
    if not leaking:
        return "No: under no target does the date surely order an author's posts."
    worst_name, worst = max(leaking, key=lambda pair: pair[1].excess)
    free = [name for name, when in known if not when.excess]
    least = f"; under {', '.join(free)} it does not surely" if free else ""
    return f"Yes: under {worst_name}, {worst.in_words()}{least}."


def _row(facts: TargetFacts, expected: float) -> dict[str, str]:
    if facts.missing:
        return {"target": facts.name, "in words": facts.missing}
    drift = facts.drift.pooled if facts.drift is not None else None
    return {
        "target": facts.name,
        "η²": f"{facts.share:.1%}",
        "by chance": f"{expected:.1%}",
        "author's mean ranks": "" if facts.ranking is None else f"{facts.ranking:.1%}",
        "by date": "" if facts.when is None else f"{facts.when.share:.1%}",
        "when orders": "" if facts.when is None else _ordered(facts.when),
        "goes with date": "" if drift is None else f"{drift.estimate:+.3f}",
        "outer 1 %": f"{facts.top_share:.0%}",
        "spread": "" if facts.spread is None else f"{facts.spread:.1f}",
        "in words": facts.in_words(expected),
    }
