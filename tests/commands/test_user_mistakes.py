"""A user's mistake ends in one sentence, and no half-made run is left."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from PIL import Image

from likerank.commands.evaluate import evaluate
from likerank.dataset import Recipe
from likerank.dataset.snapshot import fingerprint_of
from likerank.errors import LikerankError
from likerank.run_names import CONFIG, CONFIG_HASH, FINGERPRINT
from likerank.sources import Table
from likerank.store import ingest_source
from likerank.tracking import Run
from likerank.training.assembly import Assembly
from tests.workplaces import TINY, Workplace

pytestmark = pytest.mark.xdist_group("trained")


def ingest_posts(place: Workplace, likes: Sequence[int], authors: int) -> None:
    photos = place.folder / "photos"
    photos.mkdir()
    random = np.random.default_rng(0)
    rows = ["image,author,likes"]
    for number, count in enumerate(likes):
        picture = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(picture).save(photos / f"{number}.png")
        rows.append(f"{number}.png,author_{number % authors},{count}")
    (photos / "photos.csv").write_text("\n".join(rows) + "\n")
    with place.store() as store:
        ingest_source(Table(photos / "photos.csv"), store, workers=1)


def snapshot_files(place: Workplace) -> list[Path]:
    return [path for path in (place.folder / "data" / "snapshots").rglob("*") if path.name != ".lock"]


def test_an_empty_store_says_what_to_do(workplace: Workplace) -> None:
    with pytest.raises(LikerankError, match=rf"{workplace.name} holds no posts; run likerank ingest"):
        workplace.train(*TINY)
    assert not snapshot_files(workplace)


def test_fewer_posts_than_splits_are_refused(workplace: Workplace) -> None:
    ingest_posts(workplace, [1, 2, 3], authors=2)
    with pytest.raises(LikerankError, match=r"3 usable posts of 3 are too few: .* would be empty"):
        workplace.train(*TINY)
    assert not snapshot_files(workplace)
    assert not workplace.runs()


def test_equal_likes_are_refused_by_the_target(workplace: Workplace) -> None:
    ingest_posts(workplace, [5] * 60, authors=3)
    with pytest.raises(LikerankError, match=r"training posts have 5 likes, so there is nothing to learn"):
        workplace.train(*TINY)
    for run in workplace.runs():
        assert run.status == "FAILED"
        assert not (workplace.folder / "mlruns" / "checkpoints" / run.id).exists()


def test_one_author_alone_trains_and_evaluates(workplace: Workplace) -> None:
    ingest_posts(workplace, list(range(1, 101)), authors=1)
    run = workplace.train(*TINY)
    table = evaluate(workplace.compose("evaluate", f"run_id={run.id}"))
    # Across and within are one and the same comparison then.
    for row in table.rows:
        if row.metric == "pairwise" and row.scope == "within":
            assert run.metrics[f"test/{row.predictor}/across/pairwise"] == pytest.approx(row.estimate)
    assert run.metrics["test/author_mean/across/pairwise"] == pytest.approx(0.5)


def test_an_unknown_fingerprint_lists_what_there_is(corpus: Workplace, trained: Run) -> None:
    with pytest.raises(LikerankError, match=trained.tags[FINGERPRINT]) as refusal:
        corpus.train(*TINY, "snapshot.fingerprint=0123abcd")
    assert "has the fingerprint 0123abcd" in str(refusal.value)


def test_the_first_digits_of_a_fingerprint_stay_text(trained: Run) -> None:
    """Digits with an e among them, such as 12e4, would be a number to a configuration's parser."""
    parser = OverridesParser.create()
    table, pixels = pd.DataFrame({"likes": [1]}), np.zeros((1, 8, 8, 3), np.uint8)
    fingerprints = [fingerprint_of(Recipe(seed=seed).as_json(), table, pixels) for seed in range(300)]
    prefixes = {fingerprint[:length] for fingerprint in fingerprints for length in range(1, 17)}
    read = {prefix: parser.parse_override(f"snapshot.fingerprint={prefix}").value() for prefix in prefixes}
    assert {prefix: value for prefix, value in read.items() if str(value) != prefix} == {}


def test_a_kernel_that_does_not_fit_is_refused(corpus: Workplace, trained: Run) -> None:
    before = len(corpus.runs())
    with pytest.raises(LikerankError, match="The 5x5 kernel of convolution 2 does not fit the 2x2"):
        corpus.train("network=paper", "snapshot.size=12")
    assert len(corpus.runs()) == before


@pytest.mark.parametrize("run_id", ["nowhere", "12345"])
def test_resuming_a_run_that_is_not_there_names_it(corpus: Workplace, trained: Run, run_id: str) -> None:
    with pytest.raises(LikerankError, match=f"has no run {run_id}"):
        corpus.train(*TINY, f"resume={run_id}")


def test_resuming_a_finished_run_is_refused(corpus: Workplace, trained: Run) -> None:
    with pytest.raises(LikerankError, match=f"Run {trained.id} has finished; there is nothing to resume"):
        corpus.train(*TINY, f"resume={trained.id}")
    assert trained.status == "FINISHED"


def test_resuming_with_other_parameters_names_them(corpus: Workplace, trained: Run) -> None:
    config = corpus.compose("train", *TINY)
    run = corpus.tracking().start_run({})
    run.log_params(Assembly(config).plan(trained.tags[FINGERPRINT]).params)
    with pytest.raises(LikerankError) as refusal:
        corpus.train(*TINY, f"resume={run.id}", "optimizer.lr=0.5", "data.batch_size=20")
    assert "optimizer.lr was 0.003, is 0.5" in str(refusal.value)
    assert "data.batch_size was 50, is 20" in str(refusal.value)
    assert "seed" not in str(refusal.value)
    run.finish("KILLED")


def test_a_run_killed_while_it_was_described_is_whole_once_resumed(corpus: Workplace, trained: Run) -> None:
    """Its tags and parameters are written, its configuration is not yet."""
    config = corpus.compose("train", *TINY, "seed=11")
    fingerprint = trained.tags[FINGERPRINT]
    plan = Assembly(config).plan(fingerprint)
    run = corpus.tracking().start_run({CONFIG_HASH: plan.config_hash, FINGERPRINT: fingerprint})
    run.log_params(plan.params)
    resumed = corpus.train(*TINY, "seed=11", f"resume={run.id}")
    assert resumed.id == run.id
    assert resumed.status == "FINISHED"
    assert resumed.has_artifact(CONFIG)
    evaluate(corpus.compose("evaluate", f"run_id={run.id}"))


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("snapshot.size=4", "snapshot.size"),
        ("snapshot.balance=0", "snapshot.balance"),
        ("trainer.max_epochs=0", "trainer.max_epochs"),
        ("data.batch_size=0", "batch_size"),
        ("data.batch_size=1e3", "batch_size"),
        ("early_stopping=0", "early_stopping"),
        ("seed=-1", "seed"),
        ("checkpoint=first", "checkpoint"),
        ("evaluation.baselines=[magic]", "magic"),
        ("optimizer.lr=-1", "learning rate"),
        ("store.database=a/b", "store.database"),
    ],
)
def test_a_value_that_cannot_be_is_named(corpus: Workplace, trained: Run, override: str, named: str) -> None:
    with pytest.raises(LikerankError, match=named):
        corpus.train(*TINY, override)
