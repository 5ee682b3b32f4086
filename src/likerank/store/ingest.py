"""Writes a source's records into a store, its pictures decoded in parallel."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Lock
from threading import Thread
from typing import TYPE_CHECKING, Final

from likerank.errors import LikerankError
from likerank.images import (
    StoredImage,
    check_long_side,
    decode_large_photos_under,
    make_stored_image,
    read_stored_image,
)
from likerank.progress import progress_bar
from likerank.records import Author, Observation, Post, Record, Skipped
from likerank.store.store import Store, WriteCounts

if TYPE_CHECKING:
    from likerank.sources import OptOutList, Source

OPTED_OUT: Final = Skipped("forgotten")
"""A record of an author on the opt-out list."""

_TASK: Final = 16
_MOST_MESSAGES: Final = 1000  # A wrong column gives one a row.


@dataclass(slots=True)
class IngestSummary:
    """The effect of an ingest.

    Attributes:
        written: The records that the store wrote, or found unchanged.
        skipped: Records left out, by reason.
        messages: A sentence for each of the first that the user can correct.
        to_correct: The number of all that the user can correct.
    """

    written: WriteCounts = field(default_factory=WriteCounts)
    skipped: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)
    to_correct: int = 0

    def skip(self, skipped: Skipped) -> None:
        """Counts a record that was left out."""
        self.skipped[skipped.reason] += 1
        if skipped.message:
            self.to_correct += 1
            if len(self.messages) < _MOST_MESSAGES:
                self.messages.append(skipped.message)


def ingest_source(
    source: "Source",
    store: Store,
    *,
    image_size: int = 512,
    workers: int | None = None,
    opted_out: "OptOutList | frozenset[str]" = frozenset(),
) -> IngestSummary:
    """Writes a source's records into a store.

    Pictures that the store has already are not read again. Killed and started again, an ingest ends in the
    same store.

    Args:
        source: The source of the records.
        store: Their destination.
        image_size: Long side of a stored image in pixels.
        workers: Processes that decode; one a core unless given.
        opted_out: Keys of authors whose records are left out, also where they are added meanwhile.

    Raises:
        LikerankError: If `image_size` is no number of 8 to 65,500.
    """
    summary = IngestSummary()
    check_long_side(image_size, "image_size")
    processes = workers or os.cpu_count() or 1
    # Not forked: the store's client has threads, and a fork would copy their locks.
    context = get_context("forkserver")
    start = _start_worker, (context.Lock(),)
    with ProcessPoolExecutor(processes, context, *start) as pool, progress_bar() as bar:
        task = bar.add_task("Ingesting", total=source.count())
        # In pairs: the pictures of a batch are decoded while the batch before it is written.
        batches = _batches(source.records(), store, pool, image_size, summary, opted_out)
        for batch, _ in pairwise(chain(batches, [None])):
            if batch is not None:
                batch.write(store, summary, opted_out)
                bar.advance(task, batch.number)
        bar.update(task, total=bar.tasks[task].completed)
    return summary


def _batches(
    records: Iterator[Record],
    store: Store,
    pool: Executor,
    image_size: int,
    summary: IngestSummary,
    opted_out: "OptOutList | frozenset[str]",
) -> Iterator["_Batch"]:
    while part := list(islice(records, 256)):
        left_out = [OPTED_OUT if _author_of(record) in opted_out else record for record in part]
        for record in left_out:
            if isinstance(record, Skipped):
                summary.skip(record)
        yield _Batch(left_out, store, pool, image_size)


def _author_of(record: Record) -> str:
    """Returns the key of a record's author; empty for one that was left out."""
    if isinstance(record, Observation):
        record = record.record
    if isinstance(record, Skipped):
        return ""
    return record.key if isinstance(record, Author) else record.author_key


class _Batch:
    """Some records of a source, with the pictures of its new posts in work."""

    def __init__(self, records: list[Record], store: Store, pool: Executor, image_size: int) -> None:
        self.number = len(records)
        self._authors = [record for record in records if isinstance(record, Author)]
        self._observed = [record.record for record in records if isinstance(record, Observation)]
        posts = [record for record in records if isinstance(record, Post)]
        stored = store.posts_with_image([post.key for post in posts])
        # A post may come once for each time it was observed; its picture is needed once.
        firsts = {post.key: post for post in reversed(posts) if post.key not in stored}
        self._new_posts = list(firsts.values())
        self._other_posts = [post for post in posts if firsts.get(post.key) is not post]
        self._tasks: list[Future[list[StoredImage | Skipped]]] = [
            pool.submit(_make_images, self._new_posts[start : start + _TASK], image_size)
            for start in range(0, len(self._new_posts), _TASK)
        ]

    def write(self, store: Store, summary: IngestSummary, opted_out: "OptOutList | frozenset[str]") -> None:
        """Waits for the pictures and writes the records."""
        posts: list[tuple[Post, StoredImage | None]] = []
        unusable: set[str] = set()
        images = chain.from_iterable(task.result() for task in self._tasks)
        for post, image in zip(self._new_posts, images, strict=True):
            if isinstance(image, Skipped):
                summary.skip(image)
                unusable.add(post.key)
            else:
                posts.append((post, image))
        posts += [(post, None) for post in self._other_posts if post.key not in unusable]
        written = store.write(self._authors, posts)
        # After their posts, which may be of the same batch.
        observed = store.new_observations(self._observed)
        written += store.write(
            [record for record in observed if isinstance(record, Author)],
            [(record, None) for record in observed if isinstance(record, Post)],
        )
        summary.written += written
        # An author who was added since may have been removed from the store before this was written.
        for author in {author.key for author in self._authors} | {post.author_key for post, _ in posts}:
            if author in opted_out:
                store.forget(author)
        for message in written.refused:
            summary.skip(Skipped("refused by the store", message))


def _start_worker(large_one: Lock) -> None:
    decode_large_photos_under(large_one)
    _end_with_command()


def _end_with_command() -> None:
    """Ends a worker process with its command; a killed command would leave it waiting for work."""

    def wait_for_command() -> None:
        if (command := parent_process()) is not None:
            command.join()
            os._exit(1)

    Thread(target=wait_for_command, daemon=True).start()


def _make_images(posts: list[Post], image_size: int) -> list[StoredImage | Skipped]:
    """Runs in a worker process."""
    return [_make_image(post, image_size) for post in posts]


def _make_image(post: Post, image_size: int) -> StoredImage | Skipped:
    try:
        data = post.picture.read()
        if post.picture.stored_digest is not None:
            return read_stored_image(data, post.key, post.picture.stored_digest)
        return make_stored_image(data, post.picture.name, image_size)
    except LikerankError as error:
        return Skipped("unreadable picture", str(error))
