"""Stage ingest: a source's posts and authors go into the store."""

import os
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Final

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from likerank.app.paths import configured_store, open_opt_out_list
from likerank.errors import LikerankError
from likerank.images import Master, make_master, read_master
from likerank.progress import progress_bar
from likerank.records import Author, Observation, Post, Record, Skipped
from likerank.sources import OptOutList, Source
from likerank.store import Store, WriteCounts

_BATCH: Final = 256
_TASK: Final = 16
_SHOWN_MESSAGES: Final = 20
_FORGOTTEN: Final = Skipped("forgotten")


@dataclass(slots=True)
class IngestSummary:
    """What an ingest did.

    Attributes:
        written: What the store wrote, or found unchanged.
        skipped: Records left out, by reason.
        messages: A sentence for each one that the user can mend.
    """

    written: WriteCounts = field(default_factory=WriteCounts)
    skipped: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    def skip(self, skipped: Skipped) -> None:
        """Counts a record that was left out."""
        self.skipped[skipped.reason] += 1
        if skipped.message:
            self.messages.append(skipped.message)


def ingest(config: DictConfig) -> IngestSummary:
    """Writes a source's records into the store, prints a summary and complains last.

    Raises:
        LikerankError: If the source has neither posts nor authors, or if records were left out that the
            user can mend; the others are in the store then.
    """
    summary = ingest_configured(config)
    if number := len(summary.messages):
        raise LikerankError(
            f"{number} record{'s were' if number > 1 else ' was'} left out as said above; all others are in "
            "the store."
        )
    return summary


def ingest_configured(config: DictConfig) -> IngestSummary:
    """As `ingest`, but is content with the records that can be used.

    Raises:
        LikerankError: If there are none, or the source cannot be read.
    """
    if config.get("source") is None:
        raise LikerankError(
            "No source is named; add source=archive, source=demo, source=export or source=table."
        )
    source: Source = instantiate(config.source)
    with configured_store(config) as store:
        summary = ingest_source(
            source,
            store,
            master_size=config.master_size,
            workers=config.workers,
            forgotten=open_opt_out_list(config),
        )
    _print_summary(summary)
    if not summary.written.posts and not summary.written.authors and not summary.skipped[_FORGOTTEN.reason]:
        name = config.source._target_.rsplit(".", 1)[-1].lower()
        raise LikerankError(
            f"The source {name} has neither posts nor authors that can be used; check its folder or manifest."
        )
    return summary


def ingest_source(
    source: Source,
    store: Store,
    *,
    master_size: int = 512,
    workers: int | None = None,
    forgotten: OptOutList | None = None,
) -> IngestSummary:
    """Writes a source's records into a store, its pictures decoded in parallel.

    Pictures that the store has already are not read again. Killed and started again, it ends in the
    same store.

    Args:
        source: Where the records come from.
        store: Where they go.
        master_size: Long side in pixels of the picture that the store keeps.
        workers: Processes that decode; one a core unless given.
        forgotten: Whose posts are left out, also where they are added meanwhile; nobody's unless given.
    """
    summary = IngestSummary()
    processes = workers or os.cpu_count() or 1
    # Not forked: the store's client has threads, and a fork would copy their locks.
    context = get_context("forkserver")
    with ProcessPoolExecutor(processes, context, _end_with_command) as pool, progress_bar() as bar:
        task = bar.add_task("Ingesting", total=source.count())
        waiting: deque[_Batch] = deque()

        def finish_oldest() -> None:
            batch = waiting.popleft()
            _write(store, batch, summary, forgotten)
            bar.advance(task, batch.records)

        for records in _batches(source.records()):
            wanted = [record for record in records if not _is_of_one(record, forgotten)]
            waiting.append(_Batch(wanted, store, pool, master_size, summary))
            for _ in range(len(records) - len(wanted)):
                summary.skip(_FORGOTTEN)
            # One batch is written while the next is decoded.
            if len(waiting) > 1:
                finish_oldest()
        while waiting:
            finish_oldest()
        bar.update(task, total=bar.tasks[task].completed)
    return summary


class _Batch:
    """Some records of a source, the pictures of its new posts on their way."""

    def __init__(
        self, records: list[Record], store: Store, pool: Executor, master_size: int, summary: IngestSummary
    ) -> None:
        self.records = len(records)
        self.authors = [record for record in records if isinstance(record, Author)]
        posts = [record for record in records if isinstance(record, Post)]
        self.observed = [record.record for record in records if isinstance(record, Observation)]
        for record in records:
            if isinstance(record, Skipped):
                summary.skip(record)
        stored = store.posts_with_master([post.key for post in posts])
        # A post may come once for each time it was observed; its picture is needed once.
        firsts = {post.key: post for post in reversed(posts) if post.key not in stored}
        self.new_posts = list(firsts.values())
        self.other_posts = [post for post in posts if firsts.get(post.key) is not post]
        self._tasks = [
            pool.submit(_make_masters, self.new_posts[start : start + _TASK], master_size)
            for start in range(0, len(self.new_posts), _TASK)
        ]

    def masters(self) -> list[Master | Skipped]:
        """Waits for the pictures of the new posts and returns them, in order."""
        return [made for task in self._tasks for made in task.result()]


def _is_of_one(record: Record, forgotten: OptOutList | None) -> bool:
    """Whether the record is of somebody who asked to be forgotten."""
    if forgotten is None or isinstance(record, Skipped):
        return False
    if isinstance(record, Observation):
        record = record.record
    return (record.key if isinstance(record, Author) else record.author_key) in forgotten


def _write(store: Store, batch: _Batch, summary: IngestSummary, forgotten: OptOutList | None) -> None:
    posts: list[tuple[Post, Master | None]] = []
    unusable: set[str] = set()
    for post, made in zip(batch.new_posts, batch.masters(), strict=True):
        if isinstance(made, Skipped):
            summary.skip(made)
            unusable.add(post.key)
        else:
            posts.append((post, made))
    posts += [(post, None) for post in batch.other_posts if post.key not in unusable]
    written = store.write(batch.authors, posts)
    # After their posts, which may be of the same batch.
    observed = store.new_observations(batch.observed)
    written += store.write(
        [record for record in observed if isinstance(record, Author)],
        [(record, None) for record in observed if isinstance(record, Post)],
    )
    summary.written += written
    if forgotten is not None:
        # Who was added since may have been removed from the store before this was written.
        for author in {author.key for author in batch.authors} | {post.author_key for post, _ in posts}:
            if author in forgotten:
                store.forget(author)
    for message in written.refused:
        summary.skip(Skipped("refused by the store", message))


def _end_with_command() -> None:
    """Runs in a worker process, which would wait for work for ever once its command was killed."""

    def wait_for_command() -> None:
        if (command := parent_process()) is not None:
            command.join()
            os._exit(1)

    Thread(target=wait_for_command, daemon=True).start()


def _make_masters(posts: list[Post], master_size: int) -> list[Master | Skipped]:
    """Runs in a worker process."""
    return [_make_master(post, master_size) for post in posts]


def _make_master(post: Post, master_size: int) -> Master | Skipped:
    try:
        data = post.picture.read()
        if post.picture.master_digest is not None:
            return read_master(data, post.key, post.picture.master_digest)
        return make_master(data, post.picture.name, master_size)
    except LikerankError as error:
        return Skipped("unreadable picture", str(error))


def _print_summary(summary: IngestSummary) -> None:
    console = Console(stderr=True, soft_wrap=True)
    for message in summary.messages[:_SHOWN_MESSAGES]:
        console.print(f"  left out: {message}", markup=False, highlight=False)
    if len(summary.messages) > _SHOWN_MESSAGES:
        console.print(f"  and {len(summary.messages) - _SHOWN_MESSAGES} more.")
    print(f"Store: {summary.written}")
    if summary.skipped:
        reasons = ", ".join(f"{number} {reason}" for reason, number in summary.skipped.most_common())
        print(f"Skipped: {reasons}")


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, _BATCH)):
        yield batch
