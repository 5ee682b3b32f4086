"""Folders of a project, as absolute paths."""

from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig


@dataclass(frozen=True)
class Folders:
    """The folders that the configuration's `paths` names.

    Attributes:
        data: The embedded store, the snapshots, the opt-out list.
        archive: Collected posts.
        mlruns: MLflow's database and artifacts, checkpoints, Hydra's folders.
    """

    data: Path
    archive: Path
    mlruns: Path

    @classmethod
    def of(cls, config: DictConfig) -> "Folders":
        """Returns the folders of a configuration, absolute from the working folder."""
        paths = config.paths
        return cls(*(Path(paths[name]).absolute() for name in ("data", "archive", "mlruns")))

    @property
    def snapshots(self) -> Path:
        """The folder of all snapshots."""
        return self.data / "snapshots"
