"""Night after night: what is new comes in, enough of it trains, only what is surely better is promoted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from likerank.app.refresh_summary import LAST, RefreshSummary
from likerank.commands.promote import promote
from likerank.commands.refresh import refresh
from likerank.errors import LikerankError
from likerank.images import encode_jpeg
from likerank.run_names import PARENT, REFRESH
from likerank.tracking import Run, find_champion
from likerank.tracking.results import ranked_splits
from likerank.tracking.select_runs import select_runs
from tests.forking import Forked
from tests.workplaces import ROOT, TINY, MakeWorkplace, Workplace, kill, wait_for

LEARNS = (*TINY, "target=top_post", "snapshot.keep=1", "trainer.max_epochs=6", "optimizer.lr=0.01")
LEARNS_NOTHING = (*TINY, "snapshot.keep=1", "trainer.max_epochs=1", "optimizer.lr=1e-12")


class Nights:
    """A workplace whose manifest of photos grows: the lighter a photo, the more liked."""

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self.folder = place.folder / "photos"
        self.folder.mkdir()
        self.rows: list[dict[str, Any]] = []

    def post(self, number: int) -> None:
        """Adds photos."""
        random = np.random.default_rng(len(self.rows))
        for _ in range(number):
            light, name = random.uniform(40, 200), f"{len(self.rows)}.jpg"
            photo = np.clip(random.normal(light, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            (self.folder / name).write_bytes(encode_jpeg(photo))
            self.rows.append({"image": name, "author": f"a{len(self.rows) % 4}", "likes": int(5 * light)})
        pd.DataFrame(self.rows).to_csv(self.folder / "manifest.csv", index=False)

    def overrides(self, training: tuple[str, ...], *others: str) -> list[str]:
        told = ",".join(f"'{override}'" for override in training)
        source = ("source=table", f"source.manifest={self.folder / 'manifest.csv'}")
        return [*source, f"train=[{told}]", "ingest=['workers=1']", "metric=across/pairwise", *others]

    def night(self, training: tuple[str, ...] = LEARNS, *others: str) -> dict[str, Any]:
        """Refreshes in this process and returns the summary."""
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            config = compose("refresh", [*self.place.places, *self.overrides(training, *others)])
            status = refresh(config)
        assert status == self.last()["exit_status"]
        return self.last()

    def start(self, training: tuple[str, ...] = LEARNS) -> Forked:
        return self.place.start("refresh", *self.overrides(training))

    def last(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads((self.place.folder / "mlruns/refresh/last.json").read_text())
        return summary

    def records(self) -> list[Run]:
        """The refreshes' runs, the newest first."""
        return list(self.place.tracking().runs({REFRESH: None}))

    def trainings(self, parent: str) -> list[Run]:
        return list(self.place.tracking().runs({PARENT: parent}))


@pytest.fixture
def nights(make_workplace: MakeWorkplace) -> Nights:
    """A workplace with an MLflow of its own: a registry knows one champion for all."""
    return Nights(make_workplace(own_runs=True))


@pytest.mark.slow
def test_a_week_of_nights(nights: Nights) -> None:
    place = nights.place
    few = "retrain.min_new_posts=100"

    def snapshots(night: dict[str, Any], *others: dict[str, Any]) -> list[str]:
        return sorted({each["snapshot"]["fingerprint"] for each in (night, *others)})

    nights.post(400)
    first = nights.night(LEARNS_NOTHING, few)
    assert (first["status"], first["errors"], first["ingested"]["new_posts"]) == ("done", [], 400)
    assert (first["promoted"], first["champion"], first["gain"]) == (False, None, None), (
        "no better than a coin"
    )
    again = nights.night(LEARNS_NOTHING, few)
    assert (again["new_posts"], again["trained"]) == (0, None), "what had no evidence is not tried again"
    by_force = place.compose("promote", f"run_id={first['trained']}", "metric=across/pairwise", "force=true")
    assert promote(by_force)
    first["champion"] = first["trained"]

    nothing = nights.night(LEARNS_NOTHING, few)
    assert (nothing["ingested"]["unchanged_posts"], nothing["new_posts"]) == (400, 0)
    assert nothing["trained"] is None
    assert nothing["champion"] == first["champion"]
    assert place.fingerprints() == snapshots(first)

    nights.post(99)
    waiting = nights.night(LEARNS, few)
    assert (waiting["new_posts"], waiting["trained"]) == (99, None)
    nights.post(1)
    better = nights.night(LEARNS, few)
    assert better["new_posts"] == 100, "a night without a training forgets nothing"
    assert better["promoted"]
    assert better["champion"] == better["trained"] != first["champion"]
    assert better["gain"]["metric"] == "across/pairwise"
    assert 0 < better["gain"]["low"] < better["gain"]["estimate"] < better["gain"]["high"]

    # Test was not read at night; `likerank promote` reads it later.
    champion = find_champion(place.tracking())
    assert champion is not None
    assert champion.id == better["champion"]
    assert ranked_splits(champion) == ["val"]
    assert not champion.has_artifact("predictions/test.parquet")
    card = champion.artifact("card.md").read_text()
    assert f"Not scored yet: `likerank promote run_id={champion.id}`" in card
    assert f"It beat run `{first['champion']}` by +" in card
    assert promote(place.compose("promote", f"run_id={champion.id}"))
    assert ranked_splits(champion) == ["val", "test"]
    completed = champion.artifact("card.md").read_text()
    assert "Test, scored once" in completed
    assert f"It beat run `{first['champion']}` by +" in completed

    nights.post(100)
    worse = nights.night(LEARNS_NOTHING, few)
    assert worse["new_posts"] == 100
    assert worse["trained"] not in (None, better["champion"])
    assert not worse["promoted"]
    assert worse["champion"] == better["champion"]
    assert worse["gain"]["high"] < 0
    assert place.fingerprints() == snapshots(better, worse), "snapshot.keep=1 spares the champion's"

    # What was judged and lost is not tried again the next night, though the champion has not seen its posts.
    nights.post(1)
    after = nights.night(LEARNS_NOTHING, few)
    assert (after["new_posts"], after["trained"]) == (1, None)
    assert place.fingerprints() == snapshots(better, after)
    nights.post(1)
    pruned = nights.night(LEARNS_NOTHING, few)
    assert pruned["new_posts"] == 2, "by the counts, where the snapshot is gone"

    records = nights.records()
    assert [record.status for record in records] == ["FINISHED"] * 8
    assert [record.metrics["new_posts"] for record in records] == [2, 1, 100, 100, 99, 0, 0, 400]
    assert [record.metrics["promoted"] for record in records] == [0, 0, 0, 1, 0, 0, 0, 0]
    assert records[3].metrics["gain/low"] == better["gain"]["low"]
    assert records[3].metrics["ingested/new_posts"] == 1
    assert [child.id for child in nights.trainings(better["run"])] == [better["trained"]]
    kept = place.tracking().run(better["run"]).artifact("refresh/refresh.json").read_text()
    assert json.loads(kept) == better
    assert len(list((place.folder / "mlruns" / "refresh").glob("*.json"))) == 9, "one a night, and the last"
    trainings = select_runs(place.tracking())
    assert [record.id for record in trainings.records] == [worse["trained"]], "a refresh is no training"


@pytest.mark.slow
def test_two_at_once_and_one_killed_in_its_training(nights: Nights) -> None:
    place = nights.place
    nights.post(150)
    running = nights.start((*TINY, "trainer.max_epochs=5000", "early_stopping=null"))
    checkpoints = place.folder / "mlruns" / "checkpoints"
    wait_for(lambda: list(checkpoints.glob("*/last.ckpt")), running)

    second = place.call("refresh", *nights.overrides(LEARNS))
    assert second.returncode == 1
    assert f"is running (pid {running.pid}, since 20" in second.stderr
    assert "Traceback" not in second.stderr
    refused = nights.last()
    assert (refused["status"], refused["exit_status"], refused["run"]) == ("refused", 1, None)
    assert refused["errors"][0] in second.stderr

    kill(running)
    again = nights.night()
    assert (again["status"], again["ingested"]["unchanged_posts"]) == ("done", 150)
    assert again["promoted"]
    assert [record.status for record in nights.records()] == ["FINISHED", "KILLED"]
    assert [child.status for child in nights.trainings(nights.records()[1].id)] == ["KILLED"]
    assert list(checkpoints.iterdir()) == []


@pytest.mark.slow
def test_what_goes_wrong_is_told_and_the_rest_is_done(nights: Nights) -> None:
    nights.post(400)
    nights.rows[7]["image"] = "gone.jpg"
    nights.rows[8]["likes"] = -7
    nights.post(1)
    diverging = nights.night((*TINY, "optimizer.lr=1e30"))
    assert (diverging["status"], diverging["exit_status"]) == ("failed", 1)
    assert "did the training diverge" in diverging["errors"][0]
    assert diverging["ingested"]["new_posts"] == 399
    assert diverging["ingested"]["to_mend"] == 2
    assert any("gone.jpg" in message for message in diverging["ingested"]["messages"])
    assert (diverging["trained"], diverging["champion"]) == (None, None)
    (record,) = nights.records()
    assert record.status == "FAILED"
    assert "did the training diverge" in record.tags["likerank.reason"]
    assert [child.status for child in nights.trainings(record.id)] == ["FAILED"]
    assert list((nights.place.folder / "mlruns" / "checkpoints").iterdir()) == []

    mended = nights.night()
    assert (mended["status"], mended["exit_status"], mended["errors"]) == ("done", 0, [])
    assert mended["ingested"]["to_mend"] == 2, "records that cannot be used stop nothing"
    assert mended["promoted"]

    # Without its source it goes on with what is stored, and does not hide that.
    (nights.folder / "manifest.csv").unlink()
    without = nights.night()
    assert (without["status"], without["exit_status"], without["new_posts"]) == ("failed", 1, 0)
    assert "manifest.csv" in without["errors"][0]

    # A champion that cannot be compared is reported before a night is spent on training.
    nights.post(1)
    larger = nights.night((*LEARNS, "snapshot.size=20"), "retrain.min_new_posts=1")
    assert (larger["status"], larger["new_posts"], larger["trained"]) == ("failed", 1, None)
    assert "snapshot.size was 16, not 20" in larger["errors"][0]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            ["train=['trainer.max_epoch=3']"],
            "train cannot be configured by \\[trainer.max_epoch=3\\]: .*max_epoch",
        ),
        (["ingest=['paths.data=elsewhere']"], "set paths on the command itself"),
        (["retrain.min_new_posts=0"], "retrain.min_new_posts is 0"),
        (["metric=within/nothing"], "metric is within/nothing"),
    ],
    ids=str,
)
def test_a_mistake_is_told_before_anything_is_done(
    workplace: Workplace, overrides: list[str], sentence: str
) -> None:
    nights = Nights(workplace)
    with pytest.raises(LikerankError, match=sentence):
        nights.night((), *overrides)
    refused = nights.last()
    assert (refused["status"], refused["exit_status"], refused["run"]) == ("failed", 1, None)
    assert (refused["ingested"], refused["snapshot"]) == (None, None)
    assert workplace.posts() == []


def test_a_summary_holds_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(error: Exception) -> None:
        raise error

    summary = RefreshSummary()
    with summary.going_on():
        fail(ConnectionError("no way to http://me:secret-1@proxy:8080/"))
    with summary.going_on():
        fail(LikerankError("The account amy: https://me:secret-2@host/ does not answer."))
    summary.collected = {"new": 0, "failed": {"amy": "at http://me:secret-3@host/"}}
    written = summary.write(tmp_path).read_text() + (tmp_path / LAST).read_text()
    assert "secret" not in written
    assert "ConnectionError: no way to http://proxy:8080/" in written
    assert (
        json.loads((tmp_path / LAST).read_text())["errors"][1]
        == "The account amy: https://host/ does not answer."
    )
    assert summary.metrics() == {"collected/new": 0, "collected/failed": 1, "promoted": 0, "exit_status": 1}
    printed = capsys.readouterr().err
    assert "Traceback" in printed, "a bug shows where it is"
    assert "secret" not in printed
