"""Work that goes on in other threads or processes while its first results are used."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def prefetch(futures: Iterable[Future[T]], ahead: int) -> Iterator[Future[T]]:
    """Yields the futures in order, each when `ahead` others have been submitted after it."""
    waiting: deque[Future[T]] = deque()
    for future in futures:
        waiting.append(future)
        if len(waiting) > ahead:
            yield waiting.popleft()
    yield from waiting
