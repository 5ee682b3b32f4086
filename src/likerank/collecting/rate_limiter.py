"""Instagram's rate limits, with a visible countdown and a longest wait."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import instaloader

from likerank.collecting.errors import SiteRefusedError


class RateLimiter(instaloader.RateController):
    """Instaloader's rate controller, with a countdown and a longest wait.

    Args:
        context: Instaloader's context.
        max_wait: The longest wait in seconds; a longer one ends the collection.
        show: Receives the remaining seconds once a second, and 0 at the end.
        limits: False replaces Instaloader's limits by one second after each 429 of the server.
    """

    def __init__(
        self,
        context: instaloader.InstaloaderContext,
        max_wait: float,
        show: Callable[[int], None],
        *,
        limits: bool = True,
    ) -> None:
        super().__init__(context)
        self._max_wait = max_wait
        self._show = show
        self._limits = limits

    def query_waittime(self, query_type: str, current_time: float, untracked_queries: bool = False) -> float:
        """Returns the wait before a query, in seconds."""
        wait = super().query_waittime(query_type, current_time, untracked_queries)
        return wait if self._limits else float(untracked_queries)

    def sleep(self, secs: float) -> None:
        """Counts down.

        Raises:
            SiteRefusedError: If the wait is longer than allowed.
        """
        if secs > self._max_wait:
            again = datetime.now().astimezone() + timedelta(seconds=secs)
            raise SiteRefusedError(
                f"Instagram's limits require a wait of {secs / 60:.0f} minutes, more than max_wait="
                f"{self._max_wait:g} s allows; come back after {again:%Y-%m-%d %H:%M}."
            )
        end = time.monotonic() + secs
        while (left := end - time.monotonic()) > 0:
            self._show(round(left + 0.5))
            time.sleep(min(1.0, left))
        self._show(0)
