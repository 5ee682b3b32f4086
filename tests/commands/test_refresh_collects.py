"""Nights over a changing site: accounts are renamed, private, new; one opts out."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from fake_instagram import Event, FakeInstagram, Site
from likerank.commands.forget import forget
from likerank.commands.refresh import refresh
from tests.workplaces import ROOT, TINY, MakeWorkplace, Workplace

SHORT = (*TINY, "trainer.max_epochs=1", "evaluation.baselines=[mean]")
TRAINING = ",".join(f"'{override}'" for override in SHORT)


@pytest.fixture
def place(make_workplace: MakeWorkplace) -> Workplace:
    place = make_workplace()
    (place.folder / "mlruns").unlink()
    return place


@pytest.fixture
def site(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    start = datetime.now(UTC) - timedelta(days=4)
    site = Site(posts=160, authors=4, seed=2, start=start, history_days=40, coming_days=4)
    with FakeInstagram(site) as instagram:
        for name, value in instagram.environment.items():
            monkeypatch.setenv(name, value)
        yield site


def night(place: Workplace, site: Site, day: int, *overrides: str) -> dict[str, Any]:
    site.day = day
    accounts = place.folder / "accounts.txt"
    accounts.write_text("\n".join(a.first_name for a in site.accounts if a.exists_on(day)))
    told = f"collect=['accounts={accounts}','limits=false','observation_days=10']"
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        stages = (told, f"train=[{TRAINING}]", "ingest=['workers=1']")
        status = refresh(compose("refresh", [*place.places, *stages, *overrides]))
    summary: dict[str, Any] = json.loads((place.folder / "mlruns/refresh/last.json").read_text())
    assert summary["exit_status"] == status
    return summary


@pytest.mark.slow
def test_nights_over_a_changing_site(place: Workplace, site: Site) -> None:
    renamed, private, coming, stays = site.accounts
    renamed.events.append(Event("renamed", renamed.first_name, 1, "quite_another"))
    private.events.append(Event("private", private.first_name, 2))
    coming.events.append(Event("appears", coming.first_name, 2))

    first = night(place, site, 0, "retrain.min_new_posts=40")
    assert (first["exit_status"], first["promoted"]) == (0, False), "too few posts to beat a coin surely"
    assert first["collected"]["new"] == first["ingested"]["new_posts"] > 0
    authors = {f"instagram/{one.id}" for one in (renamed, private, stays)}
    with place.store() as store:
        assert {row["_id"] for row in store.collection("authors").find()} == authors

    second = night(place, site, 1, "retrain.min_new_posts=40")
    assert (second["exit_status"], second["trained"]) == (0, None)
    with place.store() as store:
        found = store.collection("authors").find_one({"_id": f"instagram/{renamed.id}"})
        assert found is not None
        assert found["usernames"] == [renamed.first_name, "quite_another"]

    third = night(place, site, 2, "retrain.min_new_posts=20")
    assert third["exit_status"] == 3
    assert third["collected"]["failed"] == {private.first_name: "private"}
    assert third["trained"] is not None
    with place.store() as store:
        young = next(
            post
            for post in reversed(stays.posts)
            if post.taken < site.start and not post.is_video and post.hidden is None
        )
        observed = store.collection("observations").find({"key": f"instagram/{young.id}"})
        seen = [observation["likes"] for observation in observed.sort("observed_at")]
        assert len(seen) == 3
        assert sorted(seen) == seen
        assert store.collection("posts").count_documents({"author_id": str(private.id)}) > 0

    # The account that failed opts out; the next night does not collect it again.
    forget(place.compose("forget", f"author=instagram/{private.id}"))
    for file in (place.folder / "mlruns").rglob("*.json"):
        assert private.first_name not in file.read_text()
    fourth = night(place, site, 3)
    assert fourth["exit_status"] == 0
    assert fourth["collected"]["skipped"]["forgotten"] == 1
    assert fourth["snapshot"]["fingerprint"] != third["snapshot"]["fingerprint"]
    with place.store() as store:
        assert store.collection("posts").count_documents({"author_id": str(private.id)}) == 0
