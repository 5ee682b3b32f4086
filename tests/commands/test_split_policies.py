"""Each split policy through the pipeline: trained, ranked, named below the table, and not mixed up."""

import pytest

from likerank.app.paths import Folders
from likerank.commands.evaluate import evaluate
from likerank.commands.ingest import ingest
from likerank.errors import LikerankError
from likerank.training.champion import refuse_incomparable
from tests.workplaces import TINY, MakeWorkplace, Workplace

pytestmark = pytest.mark.xdist_group("split policies")


@pytest.fixture(scope="module")
def place(make_workplace: MakeWorkplace) -> Workplace:
    """Of enough authors that each part of the split has some."""
    place = make_workplace()
    ingest(place.compose("ingest", "source=demo", "source.posts=400", "source.authors=40"))
    return place


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("unseen_authors", "Split unseen_authors: nobody ranked here was trained on"),
        ("later_posts", "Split later_posts: ranked posts are later"),
        ("later_posts_per_author", "Split later_posts_per_author: an author's ranked posts are later"),
    ],
)
def test_a_policy_trains_and_is_named_below_both_tables(
    place: Workplace, policy: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = place.train(*TINY, f"snapshot={policy}", "target=author_log", "trainer.max_epochs=1")
    assert said in " ".join(capsys.readouterr().out.split())
    table = evaluate(place.compose("evaluate", f"run_id={run.id}"))
    assert said in " ".join(capsys.readouterr().out.split())
    metrics = table.to_metrics()
    if policy == "unseen_authors":
        assert metrics["author_mean/across/pairwise"] == pytest.approx(0.5), "it knows nobody it ranks"
    else:
        assert metrics["author_mean/across/pairwise"] > 0.6


def test_a_champion_of_another_policy_is_not_compared(place: Workplace) -> None:
    champion = place.train(*TINY, "trainer.max_epochs=1")
    config = place.compose("promote", "run_id=none")
    for override, why in (
        ("split=later_posts", r"snapshot\.split was random, not later_posts, so it may have trained on"),
        ("near_copies=ignore", r"snapshot\.near_copies was together, not ignore, so it may have trained on"),
    ):
        other = place.train(*TINY, f"snapshot.{override}", "trainer.max_epochs=1")
        with pytest.raises(LikerankError, match=why):
            refuse_incomparable(champion, other.params["snapshot.fingerprint"], Folders.of(config))
