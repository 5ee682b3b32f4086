"""Stage promote: a run's model becomes champion where it beats the present one beyond the paired interval."""

import numpy as np
import pandas as pd
from filelock import FileLock
from omegaconf import DictConfig

from likerank.dataset import SELECT, TEST, VALIDATION, Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.evaluation import Interval, paired_difference
from likerank.pipeline.evaluate import evaluate_run, trained_configuration, trained_scorer
from likerank.pipeline.places import configured_tracking, mlruns_folder, snapshots_folder
from likerank.pipeline.provenance import code_version
from likerank.pipeline.ranking import kept_predictions, kept_splits, kept_table, metric_named, name_of
from likerank.pipeline.train import FINGERPRINT
from likerank.reports import ModelFacts, model_card
from likerank.tracking import Run, crown, find_champion

CARD = "card.md"


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
    if run.status != "FINISHED":
        raise LikerankError(f"Run {run.id} is {run.status.lower()}; only a finished one can be champion.")
    with FileLock(mlruns_folder(config) / ".champion.lock"):
        champion = find_champion(tracking)
        if champion is not None and champion.id == run.id:
            print(f"Run {run.id} is champion already.")
            return True
        promotion = "The first champion."
        if champion is not None:
            gain = gain_over(champion, run, config)
            words = f"{gain.estimate:+.4f} in {config.metric} ({_bounds(gain)}) on validation's select half"
            if gain.low is None or gain.low <= 0:
                print(f"Champion stays run {champion.id}; what run {run.id} gains is not sure: {words}.")
                return False
            promotion = f"It beat run `{champion.id}` by {words}."
        if TEST not in kept_splits(run):
            evaluate_run(run, config)
        card = model_card(_facts(run, config, promotion))
        run.log_text(card, CARD)
        version = crown(tracking, run, card)
    print(f"Champion is run {run.id} now, version {version} of likerank in the registry. {promotion}")
    print(f"Its card is {CARD} in the run; python scripts/rank.py photos=... ranks with it.")
    return True


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
    snapshot = Snapshot(find_snapshot(snapshots_folder(config), fingerprint))
    before = trained_configuration(champion, config)
    recipe = snapshot.manifest["recipe"]
    for key, why in (
        ("seed", "it may have trained on these posts"),
        ("size", "it sees pictures of another size"),
    ):
        if before.snapshot[key] != recipe[key]:
            raise LikerankError(
                f"The champion, run {champion.id}, cannot be compared on snapshot {fingerprint}: its "
                f"snapshot.{key} was {before.snapshot[key]}, not {recipe[key]}, so {why}; train both on one."
            )
    rows = pd.Index(snapshot.posts["key"]).get_indexer(posts["key"]).astype(np.int64)
    scores = trained_scorer(champion, before).score(snapshot.pixels, rows)
    return pd.Series(scores, index=posts["key"])


def _facts(run: Run, config: DictConfig, promotion: str) -> ModelFacts:
    snapshot = Snapshot(find_snapshot(snapshots_folder(config), run.tags[FINGERPRINT]))
    return ModelFacts(
        run_id=run.id,
        name=name_of(trained_configuration(run, config)),
        params=run.params,
        manifest=snapshot.manifest,
        code=code_version(),
        validation=kept_table(run, VALIDATION),
        test=kept_table(run, TEST),
        promotion=promotion,
    )


def _bounds(gain: Interval) -> str:
    if gain.low is None or gain.high is None:
        return "too few posts tell how sure that is"
    return f"95 % interval {gain.low:+.4f} to {gain.high:+.4f}"
