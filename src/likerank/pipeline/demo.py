"""The main job on the drawn corpus: ingest, train the paper's experiment and the default, evaluate both."""

from collections.abc import Sequence

from hydra import compose
from omegaconf import DictConfig

from likerank.pipeline.evaluate import evaluate
from likerank.pipeline.ingest import ingest
from likerank.pipeline.train import train_run


def demo(config: DictConfig) -> None:
    """Runs the stages one after another, in the configured folders."""
    ingest(_composed("ingest", config, ["source=demo", f"source.kind={config.kind}"]))
    for overrides in (["experiment=paper"], []):
        run, _ = train_run(_composed("train", config, [*overrides]))
        evaluate(_composed("evaluate", config, [f"run_id={run.id}"]))


def _composed(name: str, config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    return compose(
        name, [f"paths.data={config.paths.data}", f"paths.mlruns={config.paths.mlruns}", *overrides]
    )
