"""Instagram, through an unmodified Instaloader."""

import logging
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import TextIOBase
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import instaloader
from instaloader.instaloader import get_default_session_filename

from likerank.collecting.errors import (
    AccountRefusedError,
    PostRefusedError,
    is_too_many_requests,
    translated_errors,
)
from likerank.collecting.rate_limiter import RateLimiter
from likerank.errors import LikerankError
from likerank.images import NotAPhotoError, make_stored_image
from likerank.sources.picture_names import picture_beside

T = TypeVar("T")

Posts = instaloader.NodeIterator[instaloader.Post]
"""A list of posts, requested page by page."""

_ATTEMPTS: Final = 3
_log: Final = logging.getLogger(__name__)


class Instagram:
    """Instagram for one visitor, who writes an archive of Instaloader's layout.

    Args:
        archive: The archive's folder.
        login: The account that is logged in; None for a visitor without an account.
        session_file: The file that `instaloader --login` wrote; None: its default place.
        max_wait: The longest wait in seconds.
        show_wait: Receives the remaining seconds of a wait once a second.
        limits: False switches Instaloader's pauses and limits off, for a server on this machine only.

    Raises:
        LikerankError: If the session is missing or damaged, or limits are off for another machine.
    """

    def __init__(
        self,
        archive: Path,
        *,
        login: str | None = None,
        session_file: Path | None = None,
        max_wait: float = 1800.0,
        show_wait: Callable[[int], None] = lambda _: None,
        limits: bool = True,
    ) -> None:
        proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""
        if not limits and urlsplit(proxy).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise LikerankError(
                "limits=false is for the fake Instagram on this machine only; leave it out to keep "
                "Instagram's limits."
            )
        self._archive = archive
        self.login = login

        def limiter(context: instaloader.InstaloaderContext) -> RateLimiter:
            self._limiter = RateLimiter(context, max_wait, show_wait, limits=limits)
            return self._limiter

        self._loader = instaloader.Instaloader(
            sleep=limits,
            quiet=True,
            # Braces are fields of the pattern.
            dirname_pattern=str(archive).replace("{", "{{").replace("}", "}}") + "/{target}",
            download_videos=False,
            download_video_thumbnails=False,
            iphone_support=False,
            max_connection_attempts=_ATTEMPTS,
            request_timeout=60.0,
            rate_controller=limiter,
        )
        if login is not None:
            self._load_session(login, session_file)

    def profile(self, username: str, author_id: int | None) -> instaloader.Profile:
        """Finds an account by its name and, if it was renamed, by its known id."""
        find, context = instaloader.Profile, self._loader.context
        profile: instaloader.Profile
        try:
            profile = self._with_retries(lambda: find.from_username(context, username))
            if author_id is None or profile.userid == author_id:
                return profile
        except AccountRefusedError as error:
            if author_id is None or not isinstance(error.__cause__, instaloader.ProfileNotExistsException):
                raise
        profile = self._with_retries(lambda: find.from_id(context, author_id))
        return profile

    def is_hidden(self, profile: instaloader.Profile) -> bool:
        """Returns whether an account is private and hides its posts from this visitor."""
        if not profile.is_private:
            return False
        with self._translated():
            return self.login is None or (profile.username != self.login and not profile.followed_by_viewer)

    def posts(self, profile: instaloader.Profile) -> Posts:
        """Starts the list of an account's posts: pinned ones, then from the newest back."""
        return self._with_retries(profile.get_posts)

    def next_post(self, posts: Posts) -> instaloader.Post | None:
        """Returns the next post of a list; None at its end.

        Raises:
            PostRefusedError: If that post is not available; the following one may be.
        """
        with self._translated():
            try:
                return next(posts, None)
            except (instaloader.PostChangedException, instaloader.BadResponseException) as error:
                if not posts.total_index:
                    raise
                raise PostRefusedError("not shown") from error

    def post(self, shortcode: str) -> instaloader.Post:
        """Returns a post by its shortcode; raises a PostRefusedError if it is not available."""
        with self._translated():
            try:
                post: instaloader.Post = instaloader.Post.from_shortcode(self._loader.context, shortcode)
            except (instaloader.PostChangedException, instaloader.BadResponseException) as error:
                raise PostRefusedError("not shown") from error
        return post

    def post_of(self, node: dict[str, Any]) -> instaloader.Post:
        """Returns a post from its node, without a request."""
        return instaloader.Post(self._loader.context, node)

    def write_profile(self, profile: instaloader.Profile, folder: str) -> None:
        """Writes an account's file, with its counts."""
        with self._translated():
            _ = profile.followers  # For logged-in visitors this is a further request.
        stem = self._archive / folder / f"{profile.username}_{profile.userid}"
        self._loader.save_metadata_json(str(stem), profile)

    def write_post(self, post: instaloader.Post, folder: str, photo: int | None) -> bool:
        """Writes a post's file and, if it is missing, downloads its photo.

        Args:
            post: A photo, or a carousel with a photo.
            folder: The account's folder in the archive.
            photo: The child of a carousel to download, from 1.

        Returns:
            Whether the post is new in the archive.

        Raises:
            PostRefusedError: If the photo cannot be downloaded or decoded.
        """
        for pattern in ("{date_utc}_UTC", "{date_utc}_UTC_{shortcode}"):
            self._loader.filename_pattern = pattern
            stem = self._archive / folder / self._loader.format_filename(post, folder)
            kept = _shortcode_in(self._loader.context, stem)
            if kept in (None, post.shortcode):  # Else the file has another post of the same second.
                break
        picture = stem if photo is None else stem.with_name(f"{stem.name}_{photo}")
        if kept == post.shortcode and picture_beside(picture) is not None:
            self._loader.save_metadata_json(str(stem), post)
            return False
        if kept is None:
            # Left by a killed run; Instaloader would keep it as an older caption.
            stem.with_name(f"{stem.name}.txt").unlink(missing_ok=True)
        if photo is not None:
            self._loader.slide_start = self._loader.slide_end = photo - 1
        with self._translated():
            try:
                self._loader.download_post(post, target=folder)
            except instaloader.ConnectionException as error:
                if is_too_many_requests(error):
                    raise
                raise PostRefusedError("picture not received") from error
        if (file := picture_beside(picture)) is None:
            raise PostRefusedError("picture not received")
        try:
            make_stored_image(file.read_bytes(), file.name)
        except NotAPhotoError as error:
            file.unlink()
            raise PostRefusedError("picture damaged") from error
        return True

    def _with_retries(self, ask: Callable[[], T]) -> T:
        """Repeats a request for a page after a 429 or a lost connection; Instaloader repeats only queries."""
        for attempt in range(1, _ATTEMPTS + 1):
            with self._translated():
                try:
                    return ask()
                except instaloader.QueryReturnedNotFoundException:
                    raise
                except instaloader.ConnectionException as error:
                    _log.warning("%s", error)
                    if attempt == _ATTEMPTS:
                        raise
                    if is_too_many_requests(error):
                        self._limiter.handle_429("other")
        raise AssertionError

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with redirect_stderr(_ToLog()), translated_errors(self.login):
            yield

    def _load_session(self, login: str, session_file: Path | None) -> None:
        file = Path(session_file or get_default_session_filename(login))
        try:
            self._loader.load_session_from_file(login, str(file))
        except FileNotFoundError:
            raise LikerankError(
                f"There is no session of {login} in {file}; log in once with instaloader --login {login}."
            ) from None
        except (OSError, pickle.UnpicklingError, EOFError, KeyError, AttributeError, TypeError, ValueError):
            raise LikerankError(
                f"The session file {file} is damaged; write it again with instaloader --login {login}."
            ) from None


class _ToLog(TextIOBase):
    """Standard error that logs Instaloader's messages."""

    def write(self, text: str) -> int:
        if text.strip():
            _log.warning("%s", text.strip())
        return len(text)


def _shortcode_in(context: instaloader.InstaloaderContext, stem: Path) -> str | None:
    """Returns the shortcode of the post in a file; None for a missing or damaged file."""
    file = stem.with_name(f"{stem.name}.json.xz")
    try:
        kept = instaloader.load_structure_from_file(context, str(file))
        return kept.shortcode if isinstance(kept, instaloader.Post) else None
    except Exception:  # A damaged file, which can cause nearly any error, is written again.
        return None
