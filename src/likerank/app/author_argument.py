"""The argument `author=` of a command: from an id or a name to one author."""

from omegaconf import DictConfig

from likerank.app.paths import Folders
from likerank.collecting.forgetting import archived_names
from likerank.errors import LikerankError
from likerank.sources.archive import INSTAGRAM
from likerank.store import Store


def find_author(config: DictConfig, store: Store) -> tuple[str, set[str]]:
    """Finds the author in the store and the archive.

    Args:
        config: Its `author` is `source/id`, an id, or a present or former name.
        store: The store.

    Returns:
        The author's key, `source/author_id`, and all names. A key need not be known: a person may opt out
        before anything was collected.

    Raises:
        LikerankError: If no author or several have the name.
    """
    text = str(config.author).strip().removeprefix("@")
    archive = Folders.of(config).archive
    archived = {f"{INSTAGRAM}/{author_id}": names for author_id, names in archived_names(archive).items()}
    if "/" in text.strip("/"):
        return text, store.find_authors(text.partition("/")[2]).get(text, set()) | archived.get(text, set())
    stored = store.find_authors(text)
    matching = {
        key for key, names in archived.items() if text.lower() in names or key == f"{INSTAGRAM}/{text}"
    }
    found = {
        key: stored.get(key, set()) | archived.get(key, set()) for key in sorted(stored.keys() | matching)
    }
    if not found:
        raise LikerankError(
            f"No author in the store {store.database_name} or the archive {archive} has the id or the name "
            f"{text!r}; give source/id, such as author={INSTAGRAM}/45: it is added to the opt-out list even "
            "if no data of it is here."
        )
    if len(found) > 1:
        several = ", ".join(f"{key} ({', '.join(sorted(names))})" for key, names in found.items())
        raise LikerankError(f"{text!r} matches several authors: {several}; give one as author=source/id.")
    return found.popitem()
