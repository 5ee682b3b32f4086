"""Stage export: the store as files that `mongoimport`, pandas and `source=export` read."""

from pathlib import Path

from omegaconf import DictConfig

from likerank.app.paths import open_store
from likerank.errors import LikerankError
from likerank.shown_text import printable
from likerank.store import export_store


def export(config: DictConfig) -> None:
    """Writes the store into a new folder and prints what went there.

    Raises:
        LikerankError: If the store is empty, or the folder has something in it or cannot be written.
    """
    folder = Path(config.folder).absolute()
    with open_store(config) as store:
        if store.is_empty():
            raise LikerankError(
                f"There is nothing to export: {store.place} holds no posts and no authors; run export in the "
                "project's folder, or name its store by paths.data or store."
            )
        counts = export_store(store, folder, images=config.images)
    print(f"Exported {counts} to {printable(folder)}")
