"""Progress of a collection on the screen."""

from typing import Self

from likerank.progress import progress_bar


class ProgressBars:
    """A progress bar over all accounts and one over the posts of the current account."""

    def __init__(self, accounts: int) -> None:
        self._bar = progress_bar()
        self._all = self._bar.add_task("Accounts", total=accounts)
        self._one = self._bar.add_task("", total=None, visible=False)
        self._name = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.remove_task(self._one)
        self._bar.stop()

    def begin(self, username: str, posts: int | None) -> None:
        """Shows an account's bar."""
        self._name = username
        self._bar.reset(self._one, description=username, total=posts, visible=True)

    def advance(self) -> None:
        """Adds one post."""
        self._bar.advance(self._one)

    def wait(self, seconds: int) -> None:
        """Shows a wait's remaining seconds; 0 hides them."""
        waiting = f"  waiting {seconds // 60}:{seconds % 60:02d} as Instagram asks" if seconds else ""
        self._bar.update(self._one, description=self._name + waiting, visible=True)

    def end(self) -> None:
        """Hides the account's bar and adds one account."""
        self._bar.update(self._one, visible=False)
        self._bar.advance(self._all)
