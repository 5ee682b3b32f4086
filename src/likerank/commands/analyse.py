"""Command analyse: describes the posts, answers two questions and recommends a target, before training."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from likerank.analysis.page import write_analysis
from likerank.analysis.post_sources import PostSource, SnapshotPosts, StoredPosts
from likerank.analysis.sections.pictures import best_and_worst, pictures
from likerank.analysis.sections.posts import does_age_matter, who
from likerank.analysis.sections.targets import do_followers_matter
from likerank.app.paths import Folders, open_store, open_tracking
from likerank.dataset import Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.run_names import ANALYSED, ANALYSES
from likerank.shown_text import printable
from likerank.training.fit import outcome_kept
from likerank.training.results import SYNTHETIC_NOTE
from likerank.training.snapshot import LATEST, configured_recipe


def analyse(config: DictConfig) -> Path:
    """Analyses the store's posts, or a named snapshot's, and writes a page, its figures and its numbers.

    Returns:
        The page.

    Raises:
        LikerankError: If there are no posts, or no such snapshot.
    """
    tracking = open_tracking(config)
    with _opened(config) as source:
        posts = source.posts()
        if posts.counted.empty or posts.kept.empty:
            raise LikerankError(
                f"None of the {posts.total} posts would be in a dataset: "
                f"{', '.join(f'{number} {reason}' for reason, number in posts.left_out.items())}."
            )
        followers, targets, target_metrics = do_followers_matter(posts)
        sections = [
            who(posts),
            does_age_matter(posts, source),
            followers,
            best_and_worst(posts, source, targets, config.shown),
            pictures(posts, source, config.pictures, config.seed),
        ]
    if not config.figures:
        sections = [replace(section, figures=()) for section in sections]
    notes = [posts.in_words(), *([SYNTHETIC_NOTE] if posts.synthetic else [])]
    files = write_analysis(Path(config.folder).absolute(), source.title, notes, sections)
    run = tracking.start_run({ANALYSED: source.title}, f"analysis: {source.title}")
    with outcome_kept(run):
        run.log_metrics(posts.metrics() | target_metrics)
        for file in files:
            run.log_file(file, ANALYSES)
    for section in sections:
        if section.answer:
            print(printable(f"{section.heading} {section.answer}"))
    print(f"The page, {(len(files) - 2) // 2} figures and the numbers: {printable(files[0])}, run {run.id}")
    return files[0]


@contextmanager
def _opened(config: DictConfig) -> Iterator[PostSource]:
    fingerprint = str(config.snapshot.fingerprint)
    if fingerprint != LATEST:
        yield SnapshotPosts(Snapshot(find_snapshot(Folders.of(config).snapshots, fingerprint)))
        return
    with open_store(config) as store:
        yield StoredPosts(store, configured_recipe(config))
