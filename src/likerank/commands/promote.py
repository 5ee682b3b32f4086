"""Stage promote: a run's model becomes champion where it beats the present one beyond the paired interval."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from filelock import FileLock
from omegaconf import DictConfig

from likerank.app.paths import configured_tracking, mlruns_folder, snapshots_folder
from likerank.commands.evaluate import evaluate_run, trained_configuration, trained_scorer
from likerank.dataset import (
    BEFORE,
    LATER_POSTS,
    SELECT,
    STOP,
    TEST,
    TRAIN,
    VALIDATION,
    Snapshot,
    find_snapshot,
)
from likerank.errors import LikerankError
from likerank.evaluation import Interval, paired_difference
from likerank.reports import ModelFacts, model_card
from likerank.run_names import CARD, FINGERPRINT, PROMOTION
from likerank.tracking import Run, Tracking, crown, find_champion
from likerank.tracking.code_version import code_version
from likerank.training.results import kept_predictions, kept_splits, kept_table, metric_named, name_of


@dataclass(frozen=True)
class Verdict:
    """How a run did against the champion.

    Attributes:
        promoted: Whether the run took the crown.
        champion: The id of the run that is champion now.
        gain: By how much the run ranks better than the champion before it; None where there was no other.
    """

    promoted: bool
    champion: str
    gain: Interval | None


def promote(config: DictConfig) -> bool:
    """Compares a run's network with the champion's on validation's `select` half, and crowns the better.

    The new champion alone is then scored on test, once, and gets its card.

    Args:
        config: Names the run and the metric.

    Returns:
        Whether the run's model is champion now.

    Raises:
        LikerankError: If the run is not there, did not finish, or cannot be compared with the champion.
    """
    tracking = configured_tracking(config)
    run = tracking.run(str(config.run_id))
    return challenge(run, tracking, config, score_test=True).champion == run.id


def challenge(run: Run, tracking: Tracking, config: DictConfig, *, score_test: bool) -> Verdict:
    """As `promote`, for a run that is at hand.

    Args:
        run: The challenger, or the champion itself, whose card is completed then.
        tracking: Where the champion is registered.
        config: Its folders and its metric are looked at.
        score_test: Whether the champion is scored on test; if not, its card says how that is done later.
    """
    if run.status != "FINISHED":
        raise LikerankError(f"Run {run.id} is {run.status.lower()}; only a finished one can be champion.")
    with FileLock(mlruns_folder(config) / ".champion.lock"):
        champion = find_champion(tracking)
        promoted = champion is None or champion.id != run.id
        gain, promotion = None, "The first champion."
        if champion is not None and promoted:
            gain = gain_over(champion, run, config)
            words = f"{gain.estimate:+.4f} in {config.metric} ({_bounds(gain)}) on validation's select half"
            if gain.low is None or gain.low <= 0:
                print(f"Champion stays run {champion.id}; what run {run.id} gains is not sure: {words}.")
                return Verdict(False, champion.id, gain)
            promotion = f"It beat run `{champion.id}` by {words}."
        if promoted:
            run.set_tags({PROMOTION: promotion})
        if score_test and TEST not in kept_splits(run):
            evaluate_run(run, config)
        card = model_card(_facts(run, config))
        run.log_text(card, CARD)
        version = crown(tracking, run, card)
    if promoted:
        print(f"Champion is run {run.id} now, version {version} of likerank in the registry. {promotion}")
    else:
        print(f"Run {run.id} is champion already.")
    print(f"Its card is {CARD} in the run; python scripts/rank.py photos=... ranks with it.")
    return Verdict(promoted, run.id, gain)


def refuse_incomparable(champion: Run, fingerprint: str, config: DictConfig) -> None:
    """Refuses to compare the champion with runs on a snapshot whose posts it cannot rank fairly.

    Args:
        champion: The champion's run.
        fingerprint: The snapshot's.
        config: Its folders are looked at.

    Raises:
        LikerankError: If the champion may have trained on the posts that are to be ranked, or sees pictures
            of another size.
    """
    if champion.tags[FINGERPRINT] == fingerprint:
        return
    root = snapshots_folder(config)
    before = BEFORE | dict(trained_configuration(champion, config).snapshot)
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


def gain_over(champion: Run, run: Run, config: DictConfig) -> Interval:
    """Returns by how much a run's network ranks the same posts better than the champion's.

    The posts are those of the run's own snapshot, validation's `select` half.

    Raises:
        LikerankError: If the champion may have trained on them, sees pictures of another size, or the metric
            is unknown.
    """
    metric, within = metric_named(str(config.metric))
    posts = kept_predictions(run, VALIDATION)
    posts = posts[posts["half"] == SELECT]
    theirs = _scores_of(champion, run, posts, config)
    groups = pd.factorize(posts["author"])[0] if within else None
    return paired_difference(metric, posts["likes"], posts["network"], theirs, groups)


def _scores_of(champion: Run, run: Run, posts: pd.DataFrame, config: DictConfig) -> pd.Series:
    fingerprint = run.tags[FINGERPRINT]
    if champion.tags[FINGERPRINT] == fingerprint:
        return kept_predictions(champion, VALIDATION).set_index("key")["network"].loc[posts["key"]]
    refuse_incomparable(champion, fingerprint, config)
    snapshot = Snapshot(find_snapshot(snapshots_folder(config), fingerprint))
    rows = pd.Index(snapshot.posts["key"]).get_indexer(posts["key"]).astype(np.int64)
    scores = trained_scorer(champion, trained_configuration(champion, config)).score(snapshot.pixels, rows)
    return pd.Series(scores, index=posts["key"])


def _facts(run: Run, config: DictConfig) -> ModelFacts:
    snapshot = Snapshot(find_snapshot(snapshots_folder(config), run.tags[FINGERPRINT]))
    return ModelFacts(
        run_id=run.id,
        name=name_of(trained_configuration(run, config)),
        params=run.params,
        manifest=snapshot.manifest,
        code=code_version(),
        validation=kept_table(run, VALIDATION),
        test=kept_table(run, TEST) if TEST in kept_splits(run) else None,
        promotion=run.tags.get(PROMOTION, ""),
    )


def _bounds(gain: Interval) -> str:
    if gain.low is None or gain.high is None:
        return "too few posts tell how sure that is"
    return f"95 % interval {gain.low:+.4f} to {gain.high:+.4f}"
