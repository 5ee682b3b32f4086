"""How the collector waits: as long as it is asked to, visibly, up to a limit."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import instaloader

from likerank.collecting.errors import SiteRefusedError


class Manners(instaloader.RateController):
    """Instaloader's own limits, with a countdown and an end to patience.

    Args:
        context: Instaloader's.
        max_wait: The longest wait in seconds; a longer one ends the collection.
        show: Is told every second how many are left, 0 at the end.
        limits: False leaves Instaloader's limits out, for a server of one's own; what the server itself asks
            for is waited for a second.
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
        """Returns how long to wait before a query, in seconds."""
        asked_for = super().query_waittime(query_type, current_time, untracked_queries)
        if self._limits:
            return asked_for
        return 1.0 if untracked_queries else 0.0

    def sleep(self, secs: float) -> None:
        """Counts down.

        Raises:
            SiteRefusedError: If it would take longer than allowed.
        """
        if secs > self._max_wait:
            again = datetime.now().astimezone() + timedelta(seconds=secs)
            raise SiteRefusedError(
                f"Instagram's limits ask for {secs / 60:.0f} minutes of patience, more than max_wait="
                f"{self._max_wait:g} s allows; come back after {again:%Y-%m-%d %H:%M}."
            )
        end = time.monotonic() + secs
        while (left := end - time.monotonic()) > 0:
            self._show(round(left + 0.5))
            time.sleep(min(1.0, left))
        self._show(0)
