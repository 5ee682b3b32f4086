"""Tables as files: CSV at full precision and LaTeX for a paper."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from likerank.evaluation import ScoreTable
from likerank.shown_text import cell


def score_frame(table: ScoreTable) -> pd.DataFrame:
    """Returns a split's scores as a table: one row a scope and predictor, one column a metric.

    The leading metric also has the bounds of its 95 % interval, and its skill. Each scope begins with a
    row `chance`, the score of a random order, and ends with a row `ceiling` where the truth is known.
    """
    rows: dict[tuple[str, str], dict[str, float | None]] = {}
    lead = table.shown[0].name
    for scope in dict.fromkeys(row.scope for row in table.rows):
        scores = [row for row in table.rows if row.scope == scope]
        rows[scope, "chance"] = {row.metric: row.chance for row in scores}
        for row in scores:
            rows.setdefault((scope, row.predictor), {})[row.metric] = row.estimate
            if row.metric == lead:
                bounds = {f"{lead}_low": row.low, f"{lead}_high": row.high, "skill": row.skill}
                rows[scope, row.predictor] |= bounds
        if any(row.ceiling is not None for row in scores):
            rows[scope, "ceiling"] = {row.metric: row.ceiling for row in scores}
    metrics = dict.fromkeys(row.metric for row in table.rows)
    with_bounds = {lead: [lead, f"{lead}_low", f"{lead}_high"]}
    columns = [column for metric in metrics for column in with_bounds.get(metric, [metric])] + ["skill"]
    frame = pd.DataFrame(list(rows.values()), columns=columns, dtype=float)
    for place, name in enumerate(("scope", "predictor")):
        frame.insert(place, name, [key[place] for key in rows])
    return frame


def write_table(frame: pd.DataFrame, folder: Path, name: str, csv_only: Sequence[str] = ()) -> list[Path]:
    """Writes a table as `{name}.csv` at full precision and as `{name}.tex`, a booktabs `tabular`.

    Args:
        frame: The table, without its index.
        folder: The folder; created where it is missing.
        name: The files' name without a suffix.
        csv_only: Columns that are too wide for a page and so are left out of the LaTeX file.

    Returns:
        The two files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    csv, tex = folder / f"{name}.csv", folder / f"{name}.tex"
    frame.map(lambda value: cell(value) if isinstance(value, str) else value).to_csv(csv, index=False)
    frame.drop(columns=list(csv_only)).to_latex(
        tex, index=False, escape=True, na_rep="--", float_format="%.3f", encoding="utf-8"
    )
    return [csv, tex]
