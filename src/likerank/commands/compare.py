"""Command compare: ranks finished runs by configuration, on the same posts of validation."""

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from likerank.app.instantiate import make_group
from likerank.app.paths import open_tracking
from likerank.errors import LikerankError
from likerank.evaluation import JudgedPosts, Metric, UndefinedMetricError
from likerank.evaluation.configurations import Comparison, compare_in_scope
from likerank.evaluation.scoring import find_metric
from likerank.reports.comparison import comparison_frame, comparison_page, print_comparison
from likerank.reports.export import write_table
from likerank.run_names import NETWORK, SYNTHETIC
from likerank.shown_text import printable
from likerank.tracking.load_predictions import load_predictions
from likerank.tracking.results import days_of
from likerank.tracking.select_runs import select_runs
from likerank.training.results import SYNTHETIC_NOTE


def compare(config: DictConfig) -> Comparison:
    """Compares finished runs by configuration, prints the table and the verdict, and writes both to files.

    Raises:
        LikerankError: If the runs are missing or cannot be compared; the message names them.
    """
    metric, scope = find_metric(str(config.metric), make_group(config, "metrics", Metric))
    tracking = open_tracking(config)
    chosen = select_runs(
        tracking,
        runs=None if config.runs is None else [str(run_id) for run_id in config.runs],
        sweep_id=None if config.sweep_id is None else str(config.sweep_id),
        since=None if config.since is None else str(config.since),
    )
    predicted = load_predictions(
        chosen,
        predictors=None if config.predictors is None else [str(name) for name in config.predictors],
        split_by=[str(key) for key in config.split_by],
    )
    posts, runs = predicted.posts, predicted.runs
    try:
        judged = JudgedPosts.of_table(posts, days_of(chosen.records[0]))
        comparison = compare_in_scope(metric, judged, judged.scope_of(scope), predicted.candidates)
    except UndefinedMetricError as error:
        raise LikerankError(f"There is no {config.metric}: {error}; choose another metric.") from error
    # Runs of earlier versions say it by the source's name only.
    named = str(posts.index.str.startswith("demo").any()).lower()
    synthetic = chosen.records[0].tags.get(SYNTHETIC, named) == "true"
    caption = [*chosen.notes, *predicted.notes, *([SYNTHETIC_NOTE] if synthetic else [])]
    title = f"{chosen.title}, snapshot {chosen.fingerprint}"
    print_comparison(comparison, title=title, caption=caption)
    best = {each.label: _best_run(each.by_seed, runs[each.label]) for each in comparison.standings}
    page = comparison_page(comparison, title=title, best_runs=best, caption=caption)
    folder = Path(config.folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "comparison.html").write_text(page)
    frame = comparison_frame(comparison, {label: list(by_seed.values()) for label, by_seed in runs.items()})
    tables = write_table(frame, folder, "comparison", csv_only=["runs"])
    if chosen.sweep is not None:
        for file in (folder / "comparison.html", *tables):
            chosen.sweep.log_file(file, "comparison")
    print(
        f"The page and the table: {printable(folder / 'comparison.html')}, comparison.csv and comparison.tex"
    )
    first = comparison.standings[0]
    print(f"The best, {printable(first.label)}, is of run {best[first.label]}.")
    networks = [each.label for each in comparison.standings if each.kind == NETWORK]
    if networks:
        print(f"Make it the champion: likerank promote run_id={best[networks[0]]}")
    return comparison


def _best_run(by_seed: Mapping[int, float], runs: Mapping[int, str]) -> str:
    return runs[max(by_seed, key=lambda seed: by_seed[seed])]
