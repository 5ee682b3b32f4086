"""The page says what is in the data, needs nothing beside it, and says in words what is missing."""

import base64
import io
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likerank.commands.analyse import analyse
from likerank.commands.forget import forget
from likerank.errors import LikerankError
from likerank.images import encode_jpeg, make_stored_image
from likerank.records import NO_PICTURE, Author, Post
from likerank.run_names import ANALYSED, FINGERPRINT
from likerank.tracking import Run
from tests.workplaces import Workplace

POSTED = datetime(2024, 1, 1, tzinfo=UTC)
GROWTH_DAYS = 3.0


def fill(
    place: Workplace,
    *,
    authors: int = 3,
    posts: int = 90,
    dates: bool = True,
    followers: bool = True,
    looks: tuple[float, ...] = (),
    drift: float = 0.0,
) -> None:
    """Writes posts whose likes may drift with their age and be counted several times."""
    random = np.random.default_rng(0)
    people = [
        Author(source="made", author_id=f"a{n}", username=f"ann {n}", followers=10**n if followers else None)
        for n in range(authors)
    ]
    written = []
    for number in range(posts):
        who = people[number % authors]
        age = float(random.uniform(60, 700))
        posted = POSTED - timedelta(days=age)
        final = 100 * 4 ** (number % authors) * np.exp(drift * age / 700 + random.normal(0, 0.3))
        shade = random.integers(0, 200, (1, 1, 3))
        pixels = np.clip(shade + random.normal(0, 20, (30, 20, 3)), 0, 255).astype(np.uint8)
        stored = make_stored_image(encode_jpeg(pixels), "drawn")
        for at, look in enumerate((*looks, age)):
            likes = final * (1 - np.exp(-look / GROWTH_DAYS)) if looks else final
            post = Post(
                source="made",
                source_id=str(number),
                author_id=who.author_id,
                username=who.username,
                picture=NO_PICTURE,
                likes=round(likes),
                posted_at=posted if dates else None,
                observed_at=posted + timedelta(days=look),
            )
            written.append((post, None if at else stored))
    with place.store() as store:
        store.write(people, written[:: len(looks) + 1])
        for at in range(1, len(looks) + 1):
            store.write([], written[at :: len(looks) + 1])


def analysed(place: Workplace, *overrides: str, figures: bool = False) -> tuple[str, dict[str, Any], Path]:
    """Analyses, by default without figures, which take most of the time."""
    folder = place.folder / "mlruns" / "analysed" / f"{place.name}{len(overrides)}"
    chosen = ("snapshot.size=16", f"figures={figures}", f"folder={folder}", *overrides)
    page = analyse(place.compose("analyse", *chosen))
    return page.read_text(), json.loads((folder / "analysis.json").read_text()), folder


@pytest.fixture(scope="module")
def of_corpus(corpus: Workplace) -> tuple[str, dict[str, Any], Path]:
    return analysed(corpus, figures=True)


@pytest.mark.xdist_group("analysis")
def test_the_page_is_complete_and_agrees_with_its_numbers(
    corpus: Workplace, of_corpus: tuple[str, dict[str, Any], Path]
) -> None:
    page, numbers, folder = of_corpus
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:)", page)
    assert not re.search(r"<(script|link|iframe)|@import|url\(", page)
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    figures = {file.stem for file in folder.glob("*.png")}
    assert len(pictures) == len(figures) == len(list(folder.glob("*.svg"))) == 11
    for picture in pictures:
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            image.load()
    assert numbers["who"]["posts"] == 300
    assert len(numbers["who"]["authors"]) == 6
    assert sum(author["posts"] for author in numbers["who"]["authors"].values()) == 300
    assert numbers["who"]["kept"] + sum(numbers["who"]["left_out"].values()) == 300
    # The corpus is made without any age, and of audiences.
    assert not numbers["age"]["pooled"]["low"] > 0
    assert "Does age matter?</strong> No" in page
    targets = {each["name"]: each for each in numbers["followers"]["targets"]}
    assert targets["top_post"]["share"] > 0.1 > targets["author_log"]["share"]
    assert numbers["followers"]["recommended"] == "author_log"
    assert "The posts are synthetic" in page.split("</h1>")[1].split("verdict")[0]
    run = next(run for run in corpus.runs() if run.tags.get(ANALYSED, "").startswith("Posts of the store"))
    assert run.status == "FINISHED"
    assert run.metrics["author_share/author_log"] == pytest.approx(targets["author_log"]["share"])
    assert run.artifact("analysed/analysis.html").read_text() == page


def test_a_planted_drift_and_observation_window_are_found(workplace: Workplace) -> None:
    fill(workplace, drift=1.5, looks=(0.5, 1, 2, 4, 6, 8, 10, 12, 16, 24))
    page, numbers, _ = analysed(workplace, figures=True)
    assert numbers["age"]["pooled"]["low"] > 0.5
    assert "Does age matter?</strong> Yes, strongly: within an author, older posts have more likes" in page
    assert numbers["age"]["trend_ratio"] == pytest.approx(np.exp(1.5 * 0.9), rel=0.35)
    truth = -GROWTH_DAYS * np.log(0.05)
    assert numbers["age"]["observation_window"]["median_days"] == pytest.approx(truth, rel=0.1)
    assert numbers["age"]["observation_window"]["posts"] == 90
    assert numbers["age"]["ripening"] == numbers["age"]["observation_window"]
    assert "how a count grows after posting" in page


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"dates": False}, "No post with a like count has a date."),
        ({"followers": False}, "No author's followers are known."),
        ({"authors": 1}, "too few followers are known to tell"),
        ({"authors": 90}, "their author's only one"),
    ],
    ids=["dates", "followers", "one author", "one post each"],
)
def test_what_is_missing_is_said(workplace: Workplace, missing: dict[str, Any], said: str) -> None:
    fill(workplace, **missing)
    page, numbers, _ = analysed(workplace)
    assert said in page.replace("&#39;", "'")
    assert numbers["age"]["observation_window"] is None
    assert "NaN" not in json.dumps(numbers)


@pytest.mark.xdist_group("trained")
def test_a_named_snapshot_is_analysed_without_the_store(corpus: Workplace, trained: Run) -> None:
    fingerprint = trained.tags[FINGERPRINT]
    page, numbers, _ = analysed(
        corpus, f"snapshot.fingerprint={fingerprint}", "store.uri=mongodb://nowhere:1/"
    )
    assert f"Posts of snapshot {fingerprint}" in page
    assert "When posts were counted is not known here" in page
    assert numbers["followers"]["recommended"] == "author_log"


@pytest.mark.parametrize(
    "missing", [range(80), range(40, 41), range(1, 80)], ids=["all", "one", "all but one"]
)
def test_posts_without_a_date_among_others_are_analysed(workplace: Workplace, missing: range) -> None:
    fill(workplace)
    with workplace.store() as store:
        keys = [post["_id"] for post in store.collection("posts").find({}, {"_id": 1}).sort("_id")]
        without = [keys[place] for place in missing if place < len(keys)]
        store.collection("posts").update_many({"_id": {"$in": without}}, {"$set": {"posted_at": None}})
    _, numbers, _ = analysed(workplace)
    assert "NaN" not in json.dumps(numbers)


def test_posts_without_likes_are_no_dataset(workplace: Workplace) -> None:
    fill(workplace)
    with workplace.store() as store:
        store.collection("posts").update_many({}, {"$set": {"likes": None}})
    with pytest.raises(LikerankError, match="None of the 90 posts has a like count"):
        analysed(workplace)


def test_an_empty_store_is_refused(workplace: Workplace) -> None:
    with pytest.raises(LikerankError, match="holds no posts"):
        analysed(workplace)
    with pytest.raises(LikerankError, match=r"No snapshot .* has the fingerprint s123"):
        analysed(workplace, "snapshot.fingerprint=s123")


def test_a_forgotten_author_is_removed_from_analyses(
    lone_workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    workplace = lone_workplace
    fill(workplace)
    _, _, folder = analysed(workplace)
    (run,) = workplace.runs()
    assert run.has_artifact("analysed/analysis.html")
    forget(workplace.compose("forget", "author=made/nobody"))
    assert folder.is_dir()
    forget(workplace.compose("forget", "author=made/a1"))
    assert not folder.exists()
    assert not run.has_artifact("analysed/analysis.html")
    assert "files of analyses" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.xdist_group("analysis")
def test_the_page_renders_in_a_browser_without_errors(
    of_corpus: tuple[str, dict[str, Any], Path], tmp_path: Path
) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium here")
    _, _, folder = of_corpus
    shot = tmp_path / "page.png"
    command = [browser, "--headless", "--no-sandbox", "--enable-logging=stderr", f"--screenshot={shot}"]
    ran = subprocess.run(
        [*command, "--window-size=1250,6000", (folder / "analysis.html").as_uri()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "CONSOLE" not in ran.stderr
    with Image.open(shot) as image:
        drawn = np.asarray(image.convert("L"))
    assert (drawn.min(axis=1) < 128).mean() > 0.4
