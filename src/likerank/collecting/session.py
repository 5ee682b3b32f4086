"""Instagram by an unmodified Instaloader: what is asked of it, and how."""

import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import TextIOBase
from pathlib import Path
from typing import Any, Final, TypeVar

import instaloader
from instaloader.instaloader import get_default_session_filename

from likerank.collecting.errors import (
    AccountRefusedError,
    PostRefusedError,
    is_too_many_requests,
    understanding,
)
from likerank.collecting.rate_limiter import Manners
from likerank.errors import LikerankError
from likerank.images import NotAPhotoError, make_stored_image
from likerank.sources.archive import picture_beside

T = TypeVar("T")

Posts = instaloader.NodeIterator[instaloader.Post]
"""A list of posts that is asked for page by page."""

_ATTEMPTS: Final = 3
_TIMEOUT_SECONDS: Final = 60.0
_log: Final = logging.getLogger(__name__)


class Instagram:
    """One visitor of Instagram, who keeps what is seen in an archive of Instaloader's layout.

    Args:
        archive: The archive's folder.
        login: As whom to look; None for a visitor without an account.
        session_file: What `instaloader --login` wrote; None: where it writes it.
        max_wait: The longest wait in seconds.
        show_wait: Is told every second of a wait how many are left.
        limits: False leaves Instaloader's own pauses and limits out; for a server of one's own alone.

    Raises:
        LikerankError: If there is no session of that name.
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
        self._archive = archive
        self.login = login
        self._manners: Manners | None = None

        def manners(context: instaloader.InstaloaderContext) -> Manners:
            self._manners = Manners(context, max_wait, show_wait, limits=limits)
            return self._manners

        self._loader = instaloader.Instaloader(
            sleep=limits,
            quiet=True,
            # Braces would be fields of the pattern.
            dirname_pattern=str(archive).replace("{", "{{").replace("}", "}}") + "/{target}",
            download_videos=False,
            download_video_thumbnails=False,
            iphone_support=False,
            max_connection_attempts=_ATTEMPTS,
            request_timeout=_TIMEOUT_SECONDS,
            rate_controller=manners,
        )
        if login is not None:
            self._load_session(login, session_file)

    def profile(self, username: str, author_id: int | None) -> instaloader.Profile:
        """Looks an account up by its name and, where it is known and has another name now, by its id."""
        context = self._loader.context
        try:
            found: instaloader.Profile = self._patiently(
                lambda: instaloader.Profile.from_username(context, username)
            )
            if author_id is None or found.userid == author_id:
                return found
        except AccountRefusedError as error:
            if author_id is None or not isinstance(error.__cause__, instaloader.ProfileNotExistsException):
                raise
        by_id: instaloader.Profile = self._patiently(lambda: instaloader.Profile.from_id(context, author_id))
        return by_id

    def is_hidden(self, profile: instaloader.Profile) -> bool:
        """Returns whether an account is private and does not let us see its posts."""
        if not profile.is_private:
            return False
        with self._asking():
            return self.login is None or (profile.username != self.login and not profile.followed_by_viewer)

    def posts(self, profile: instaloader.Profile) -> Posts:
        """Begins to list an account's posts, pinned ones first, then from the newest back."""
        return self._patiently(profile.get_posts)

    def next_post(self, posts: Posts) -> instaloader.Post | None:
        """Returns the next post of a list; None at its end.

        Raises:
            PostRefusedError: If that post cannot be had; the one behind it may.
        """
        with self._asking():
            try:
                return next(posts, None)
            except (instaloader.PostChangedException, instaloader.BadResponseException) as error:
                if not posts.total_index:
                    raise
                raise PostRefusedError("not shown") from error

    def post(self, shortcode: str) -> instaloader.Post:
        """Returns a post by its shortcode.

        Raises:
            PostRefusedError: If it cannot be had.
        """
        with self._asking():
            try:
                post: instaloader.Post = instaloader.Post.from_shortcode(self._loader.context, shortcode)
            except (instaloader.PostChangedException, instaloader.BadResponseException) as error:
                raise PostRefusedError("not shown") from error
        return post

    def post_heard_of(self, node: dict[str, Any]) -> instaloader.Post:
        """Returns a post from what was heard of it before; asks for nothing."""
        return instaloader.Post(self._loader.context, node)

    def keep_profile(self, profile: instaloader.Profile, folder: str) -> None:
        """Writes an account's file, with its counts."""
        with self._asking():
            _ = profile.followers  # Logged in, the page by which it was found does not say.
        stem = self._archive / folder / f"{profile.username}_{profile.userid}"
        self._loader.save_metadata_json(str(stem), profile)

    def keep_post(self, post: instaloader.Post, folder: str, photo: int | None) -> bool:
        """Writes a post's file and, where it is not there, downloads its photo.

        Args:
            post: A photo, or a carousel that holds one.
            folder: The account's, in the archive.
            photo: Which child of a carousel to keep, from 1.

        Returns:
            Whether the post is new in the archive.

        Raises:
            PostRefusedError: If the photo cannot be downloaded, or what comes is no picture.
        """
        self._loader.filename_pattern = "{date_utc}_UTC"
        stem = self._archive / folder / self._loader.format_filename(post, folder)
        kept = _shortcode_in(self._loader.context, stem)
        if kept not in (None, post.shortcode):
            # Two posts of one second.
            self._loader.filename_pattern = "{date_utc}_UTC_{shortcode}"
            stem = self._archive / folder / self._loader.format_filename(post, folder)
            kept = _shortcode_in(self._loader.context, stem)
        picture = stem if photo is None else stem.with_name(f"{stem.name}_{photo}")
        if kept == post.shortcode and picture_beside(picture) is not None:
            self._loader.save_metadata_json(str(stem), post)
            return False
        if kept is None:
            # Of a run that was killed; Instaloader would keep it beside the new one, as an older caption.
            stem.with_name(f"{stem.name}.txt").unlink(missing_ok=True)
        if photo is not None:
            self._loader.slide_start = self._loader.slide_end = photo - 1
        with self._asking():
            try:
                self._loader.download_post(post, target=folder)
            except instaloader.ConnectionException as error:
                if is_too_many_requests(error):
                    raise
                raise PostRefusedError("picture not received") from error
        _check(picture)
        return True

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Asks again where a page comes with 429 or not at all; Instaloader does so for queries alone."""
        for attempt in range(1, _ATTEMPTS + 1):
            with self._asking():
                try:
                    return ask()
                except instaloader.QueryReturnedNotFoundException:
                    raise
                except instaloader.ConnectionException as error:
                    _log.warning("%s", error)
                    if attempt == _ATTEMPTS:
                        raise
                    if is_too_many_requests(error) and self._manners is not None:
                        self._manners.handle_429("other")
        raise AssertionError

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with redirect_stderr(_ToLog()), understanding(self.login):
            yield

    def _load_session(self, login: str, session_file: Path | None) -> None:
        file = Path(session_file or get_default_session_filename(login))
        try:
            self._loader.load_session_from_file(login, str(file))
        except FileNotFoundError:
            raise LikerankError(
                f"There is no session of {login} in {file}: log in once with instaloader --login {login}."
            ) from None
        except (OSError, pickle.UnpicklingError, EOFError, KeyError, AttributeError, TypeError, ValueError):
            raise LikerankError(
                f"The session file {file} cannot be used: write it again with instaloader --login {login}."
            ) from None


class _ToLog(TextIOBase):
    """Takes what Instaloader prints on standard error."""

    def write(self, text: str) -> int:
        if text.strip():
            _log.warning("%s", text.strip())
        return len(text)


def _shortcode_in(context: instaloader.InstaloaderContext, stem: Path) -> str | None:
    """Returns of which post a file in the archive is; None where there is none or it was cut short."""
    file = stem.with_name(f"{stem.name}.json.xz")
    try:
        kept = instaloader.load_structure_from_file(context, str(file))
        return kept.shortcode if isinstance(kept, instaloader.Post) else None
    except Exception:  # Whatever a file that was cut short leads to: it is written again.
        return None


def _check(picture: Path) -> None:
    file = picture_beside(picture)
    if file is None:
        raise PostRefusedError("picture not received")
    try:
        make_stored_image(file.read_bytes(), file.name)
    except NotAPhotoError as error:
        file.unlink()
        raise PostRefusedError("picture damaged") from error
