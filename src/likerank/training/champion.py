"""The champion: a run's model replaces it where the run ranks better beyond the paired interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from filelock import FileLock
from numpy.typing import NDArray

from likerank.app.paths import Folders
from likerank.dataset import SELECT, STOP, TEST, TRAIN, VALIDATION, Snapshot, find_snapshot
from likerank.dataset.recipe import BEFORE
from likerank.dataset.splits import LATER_POSTS
from likerank.errors import LikerankError
from likerank.evaluation import JudgedPosts, Metric, UndefinedMetricError
from likerank.evaluation.intervals import CONFIDENCE, Interval, difference, interval_of
from likerank.evaluation.scored_posts import ScoredPosts
from likerank.evaluation.scoring import find_metric
from likerank.reports.card import model_card
from likerank.run_names import CARD, FINGERPRINT, FOLDS, PROMOTION
from likerank.tracking import Run, Tracking, champion_id, find_champion, register_champion
from likerank.tracking.code_version import code_version
from likerank.tracking.results import days_of, ranked_splits, read_predictions, read_table
from likerank.training.all_posts import keep_model_of_all_posts
from likerank.training.evaluate import evaluate_run
from likerank.training.rebuild import rebuild, trained_scorer

_ORDERS: Final = 400


@dataclass(frozen=True)
class Verdict:
    """The outcome of comparing a run with the champion.

    Attributes:
        promoted: Whether the run was promoted.
        champion: The id of the run that is champion now; None where there is none.
        gain: The difference of the run's score to the former champion's; None where there was no other.
    """

    promoted: bool
    champion: str | None
    gain: Interval | None


def challenge(
    run: Run,
    tracking: Tracking,
    folders: Folders,
    *,
    metric: str,
    metrics: Sequence[Metric] = (),
    score_test: bool,
    force: bool = False,
) -> Verdict:
    """Compares a run with the champion on posts that neither has trained on, and promotes the better.

    A run with folds is judged by them; its model is trained on all of their posts once it is to be champion.

    A run whose own score does not surely beat chance is not promoted, be it the first or better than the
    champion. Only the new champion is then scored on test, once, and gets its card.

    Args:
        run: The challenger, or the champion itself, whose card is completed then.
        tracking: MLflow, where the champion is registered.
        folders: The project's folders.
        metric: The metric to compare by, such as `within/pairwise`.
        metrics: The user's metrics, which it may be one of.
        score_test: Whether the champion is scored on test; if not, its card says how that is done later.
        force: Whether to promote the run without evidence, or with a gain that is not sure; its card says so.
    """
    if run.status != "FINISHED":
        raise LikerankError(f"Run {run.id} is {run.status.lower()}; only a finished one can be champion.")
    with FileLock(folders.mlruns / ".champion.lock"):
        champion = find_champion(tracking)
        promoted = champion is None or champion.id != run.id
        gain, former = None, champion_id(tracking)
        promotion = (
            "The first champion."
            if former is None
            else f"The run of the former champion, {former}, is deleted."
        )
        if champion is not None and promoted:
            gain = gain_over(champion, run, folders, metric, metrics)
            words = f"{gain.estimate:+.4f} in {metric} ({_bounds(gain)}) on {_posts_in_words(run)}"
            sure = gain.low is not None and gain.low > 0
            if not sure and not force:
                print(f"Champion stays run {champion.id}; what run {run.id} gains is not sure: {words}.")
                return Verdict(False, champion.id, gain)
            beat = "beat" if sure else "replaced, without being surely better,"
            promotion = f"It {beat} run `{champion.id}` by {words}."
        if promoted:
            doubt = doubt_about(run, metric, metrics)
            if doubt and not force:
                print(f"Run {run.id} is not promoted: {doubt} force=true promotes it nevertheless.")
                return Verdict(False, champion.id if champion else None, gain)
            if force:
                promotion += f" It was promoted by force: {doubt or 'its evidence was enough.'}"
            if _judged_by_folds(run):
                if not run.model_ids:
                    keep_model_of_all_posts(run, tracking, folders)
                promotion += " Its folds were judged; its model is trained on all of train and validation."
            run.set_tags({PROMOTION: promotion})
        if score_test and TEST not in ranked_splits(run):
            evaluate_run(run, folders)
        card = _card(run, folders)
        run.log_text(card, CARD)
        version = register_champion(tracking, run, card)
    if promoted:
        print(f"Champion is run {run.id} now, version {version} of likerank in the registry. {promotion}")
    else:
        print(f"Run {run.id} is champion already.")
    print(f"Its card is {CARD} in the run; likerank rank photos=... ranks with it.")
    return Verdict(promoted, run.id, gain)


def refuse_incomparable(champion: Run, fingerprint: str, folders: Folders) -> None:
    """Refuses a comparison with the champion on posts that it may have been trained on.

    Args:
        champion: The champion's run.
        fingerprint: The snapshot's.
        folders: The project's folders.

    Raises:
        LikerankError: If the champion may have trained on the posts that are to be ranked, or sees pictures
            of another size.
    """
    if champion.tags[FINGERPRINT] == fingerprint:
        return
    root = folders.snapshots
    before = BEFORE | rebuild(champion, folders).recipe
    snapshot = Snapshot(find_snapshot(root, fingerprint))
    recipe = snapshot.recipe
    for key, why in (
        ("seed", "it may have trained on these posts"),
        ("split", "it may have trained on these posts"),
        ("near_copies", "it may have trained on copies of these posts"),
        ("size", "it sees pictures of another size"),
    ):
        if before[key] != recipe[key]:
            raise LikerankError(
                f"The champion, run {champion.id}, cannot be compared on snapshot {fingerprint}: its "
                f"snapshot.{key} was {before[key]}, not {recipe[key]}, so {why}; train both on one."
            )
    if recipe["split"] in LATER_POSTS:
        theirs = Snapshot(find_snapshot(root, champion.tags[FINGERPRINT])).posts
        trained_on = theirs["group"][(theirs["split"] == TRAIN) | (theirs["half"] == STOP)]
        ranked = snapshot.posts["group"][snapshot.posts["half"] == SELECT]
        if ranked.isin(trained_on).any():
            raise LikerankError(
                f"The champion, run {champion.id}, cannot be compared on snapshot {fingerprint}: it trained "
                f"on posts that are ranked here, since {recipe['split']} moves with what is ingested; train "
                "both on one."
            )


def doubt_about(run: Run, metric: str, metrics: Sequence[Metric] = ()) -> str:
    """Returns a sentence where a run's ranking of validation does not surely beat chance; else "".

    Raises:
        LikerankError: If the metric is unknown, or the run keeps no predictions.
    """
    measured, named = find_metric(metric, metrics)
    posts = _held_out(run)
    judged = JudgedPosts.of_table(posts, days_of(run), posts["fold"])
    scope = judged.scope_of(named)
    folds = "" if _judged_by_folds(run) else "evaluation.folds=5, "
    helps = f"{folds}more posts, snapshot.balance=none or a larger evaluation.days give more evidence;"
    try:
        ranked = judged.scored(scope, measured, posts["network"])
        chance, found = measured.chance_among(ranked), interval_of(measured, ranked)
    except UndefinedMetricError as error:
        return f"there is no {scope}/{measured.name}, since {error}; {helps}"
    if _beats_random_orders(measured, ranked) if found.low is None else found.low > chance:
        return ""
    authors = np.unique(judged.authors_of(scope)).size
    return (
        f"its {scope}/{measured.name} is {found.estimate:.3f} ({_bounds(found, '.3f')}) on "
        f"{ranked.y_true.size:,} posts of {authors:,} author{'s' * (authors != 1)}, not surely above chance, "
        f"{chance:.3f}; {helps}"
    )


def _beats_random_orders(metric: Metric, ranked: ScoredPosts) -> bool:
    """Returns whether at most 2.5 % of random orders score as well: a perfect ranking has no interval."""
    random, score = np.random.default_rng(0), metric.mean(ranked)
    as_well = [metric.mean(ranked.shuffled(random)) >= score - 1e-12 for _ in range(_ORDERS)]
    return float(np.mean(as_well)) <= (1 - CONFIDENCE) / 2


def gain_over(
    champion: Run, run: Run, folders: Folders, metric: str, metrics: Sequence[Metric] = ()
) -> Interval:
    """Returns by how much a run's network ranks the same posts better than the champion's.

    The posts are of the run's own snapshot: validation's `select` half, or with folds all that were held out;
    of these the ones that the champion was not trained on.

    Raises:
        LikerankError: If the champion may have trained on them, sees pictures of another size, or the metric
            is unknown.
    """
    compared_by, named = find_metric(metric, metrics)
    posts = _held_out(run)
    theirs = _scores_of(champion, run, posts, folders)
    posts = posts[posts["key"].isin(theirs.index)]
    theirs = theirs.loc[posts["key"]]
    trainings = posts["fold"].to_numpy() * (1 + theirs["fold"].max()) + theirs["fold"].to_numpy()
    judged = JudgedPosts.of_table(posts, days_of(run), trainings)
    scope = judged.scope_of(named)
    return difference(
        compared_by,
        judged.scored(scope, compared_by, posts["network"]),
        judged.scored(scope, compared_by, theirs["network"]),
    )


def _posts_in_words(run: Run) -> str:
    """Returns the posts that a run was judged on, as a card's reader knows them."""
    if _judged_by_folds(run):
        return "folds of train and validation, each ranked by a training that had not seen it"
    return "validation's model-selection half"


def _judged_by_folds(run: Run) -> bool:
    return FOLDS in ranked_splits(run)


def _held_out(run: Run) -> pd.DataFrame:
    """Returns a run's predictions of the posts that it was judged on.

    `fold` is the training that scored a post; 0 where there was one.
    """
    if _judged_by_folds(run):
        return read_predictions(run, FOLDS)
    posts = read_predictions(run, VALIDATION)
    return posts[posts["half"] == SELECT].assign(fold=0)


def _scores_of(champion: Run, run: Run, posts: pd.DataFrame, folders: Folders) -> pd.DataFrame:
    """Returns the champion's scores, `network` and `fold` by key, of those posts that it did not train on."""
    fingerprint = run.tags[FINGERPRINT]
    if champion.tags[FINGERPRINT] == fingerprint:
        return _held_out(champion).set_index("key")[["network", "fold"]]
    refuse_incomparable(champion, fingerprint, folders)
    snapshot = Snapshot(find_snapshot(folders.snapshots, fingerprint))
    rows = pd.Index(snapshot.posts["key"]).get_indexer(posts["key"]).astype(np.int64)
    if not _judged_by_folds(champion):
        rows = np.intersect1d(rows, snapshot.rows(VALIDATION, SELECT))
        return _scored_now(champion, snapshot, rows, folders)
    theirs = Snapshot(find_snapshot(folders.snapshots, champion.tags[FINGERPRINT])).posts
    unit = "group" if "group" in theirs and "group" in snapshot.posts else "digest"
    trained_on = theirs.loc[theirs["split"] != TEST, unit]
    new = rows[~snapshot.posts[unit].iloc[rows].isin(trained_on).to_numpy()]
    before = _held_out(champion).set_index("key")[["network", "fold"]]
    return pd.concat([before, _scored_now(champion, snapshot, new, folders)])


def _scored_now(champion: Run, snapshot: Snapshot, rows: NDArray[np.int64], folders: Folders) -> pd.DataFrame:
    """Returns the scores that the champion's model gives to rows of a snapshot, as one training, by key."""
    scores = trained_scorer(champion, folders).score(snapshot.pixels, rows)
    return pd.DataFrame({"network": scores, "fold": 0}, index=snapshot.posts["key"].iloc[rows])


def _card(run: Run, folders: Folders) -> str:
    snapshot = Snapshot(find_snapshot(folders.snapshots, run.tags[FINGERPRINT]))
    return model_card(
        run_id=run.id,
        name=rebuild(run, folders).plan().name,
        params=run.params,
        manifest=snapshot.manifest,
        code=code_version(),
        validation=read_table(run, FOLDS if _judged_by_folds(run) else VALIDATION),
        judged_on=_posts_in_words(run),
        test=read_table(run, TEST) if TEST in ranked_splits(run) else None,
        promotion=run.tags.get(PROMOTION, ""),
    )


def _bounds(found: Interval, digits: str = "+.4f") -> str:
    if found.low is None or found.high is None:
        return "too few posts tell how sure that is"
    return f"95 % interval {found.low:{digits}} to {found.high:{digits}}"
