"""Command demo: ingests the drawn corpus, trains the paper's experiment and the default, evaluates both."""

from collections.abc import Mapping
from dataclasses import replace

from omegaconf import DictConfig

from likerank.app.compose import stage_configuration
from likerank.app.paths import Folders
from likerank.commands.evaluate import evaluate
from likerank.commands.ingest import ingest
from likerank.dataset import Snapshot, find_snapshot
from likerank.evaluation import ScoreTable
from likerank.reports.table import print_score_table
from likerank.run_names import FINGERPRINT
from likerank.training.results import caption_of
from likerank.training.run import train_run

_EXPERIMENTS: Mapping[str, list[str]] = {"paper": ["experiment=paper"], "default": []}
_SHARED = ("mean", "author_mean", "author_then", "truth_appeal", "truth_appeal_audience")
_NEXT = """
Every number, curve and model is in MLflow: make ui
Next, in a shell with the environment activated (source .venv/bin/activate):
  likerank train -m network=paper,residual seed=1,2,3 launcher=joblib   a sweep
  likerank compare                                    the best configuration, with intervals
  likerank ingest source=table source.manifest=...    your own photos (see README.md)
  likerank rank photos=... model=RUN                  new photos, the best first"""


def demo(config: DictConfig) -> None:
    """Runs the stages one after another, in the configured folders, and prints one table of both trainings.

    Posts that are stored, the snapshot and finished trainings are used again.
    """
    kind = config.kind or "null"  # A command line's null arrives as None.
    ingest(stage_configuration("ingest", ["source=demo", f"source.kind={kind}"], config))
    tables: dict[str, ScoreTable] = {}
    for name, overrides in _EXPERIMENTS.items():
        print(f"\nThe {name} experiment")
        run = train_run(
            stage_configuration("train", [f"snapshot.sources=[demo_{kind}]", *overrides], config), show=False
        ).run
        tables[name] = evaluate(stage_configuration("evaluate", [f"run_id={run.id}"], config), show=False)
        snapshot = Snapshot(find_snapshot(Folders.of(config).snapshots, run.tags[FINGERPRINT]))
    print()
    print_score_table(
        side_by_side(tables),
        title=f"Test posts of the {kind} demo corpus: the paper's experiment and the default",
        caption=caption_of(snapshot),
    )
    print(_NEXT)


def side_by_side(tables: Mapping[str, ScoreTable]) -> ScoreTable:
    """Returns one table of several trainings on the same posts, its predictors named by training."""
    rows = {}
    for name, table in tables.items():
        for row in table.rows:
            predictor = row.predictor if row.predictor in _SHARED else f"{name} {row.predictor}"
            rows[predictor, row.scope, row.metric] = replace(row, predictor=predictor)
    first = next(iter(tables.values()))
    return replace(first, rows=tuple(rows.values()))
