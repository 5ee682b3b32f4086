"""Work that goes on while the result of what came before it is used."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def lookahead(futures: Iterable[Future[T]], ahead: int) -> Iterator[Future[T]]:
    """Yields the futures in order, each when `ahead` others have been submitted after it."""
    waiting: deque[Future[T]] = deque()
    for future in futures:
        waiting.append(future)
        if len(waiting) > ahead:
            yield waiting.popleft()
    yield from waiting
