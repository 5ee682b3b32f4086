"""Stage export: the store as files that `mongoimport`, pandas and `source=export` read."""

from pathlib import Path

from omegaconf import DictConfig

from likerank.app.paths import open_store
from likerank.store import export_store


def export(config: DictConfig) -> None:
    """Writes the store into a new folder and prints what went there."""
    folder = Path(config.folder).absolute()
    with open_store(config) as store:
        counts = export_store(store, folder, images=config.images)
    print(f"Exported {counts} to {folder}")
