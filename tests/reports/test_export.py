"""Tables as CSV and LaTeX: every number, escaped text, one cell a column."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.evaluation import Scores, ScoreTable, score_table
from likerank.reports.export import score_frame, write_table

HOSTILE = r"a_b 50% R&D {x} \input #1 $y$ ~^"


def scores(truth: bool = True) -> ScoreTable:
    random = np.random.default_rng(0)
    appeal, audience = random.normal(size=(2, 300))
    likes = np.exp(appeal + audience)
    predictors = {name: Scores(*[appeal + random.normal(size=300)] * 2) for name in ("network", "ridge")}
    known = (appeal, audience) if truth else None
    return score_table(likes, np.log(likes), np.repeat(np.arange(10), 30), predictors, known)


def cells_of(latex: str) -> list[list[str]]:
    """The cells of a booktabs tabular, after a check of its structure."""
    assert re.match(r"\\begin\{tabular\}\{[lr]+\}\n\\toprule\n", latex)
    assert latex.endswith("\\bottomrule\n\\end{tabular}\n")
    unescaped = re.sub(r"\\\\\n|\\.", "", latex)
    assert unescaped.count("{") == unescaped.count("}")
    assert not re.search("[_%#$]", unescaped)
    lines = [line for line in latex.splitlines() if line.endswith(r"\\")]
    return [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in lines]


def test_a_score_frame_holds_every_estimate_and_chance() -> None:
    table = scores()
    cells = score_frame(table).set_index(["scope", "predictor"]).to_dict("index")
    for row in table.rows:
        found = cells[row.scope, row.predictor]
        assert found[row.metric] == pytest.approx(row.estimate)
        if row.chance is not None:
            assert cells[row.scope, "chance"][row.metric] == row.chance
        if row.ceiling is not None:
            assert cells[row.scope, "ceiling"][row.metric] == row.ceiling
        if row.metric == "pairwise":
            bounds = [np.nan if each is None else each for each in (row.low, row.high, row.skill)]
            columns = ("pairwise_low", "pairwise_high", "skill")
            assert [found[column] for column in columns] == pytest.approx(bounds, nan_ok=True)


def test_without_a_known_truth_there_is_no_ceiling() -> None:
    frame = score_frame(scores(truth=False))
    assert "ceiling" not in set(frame["predictor"])
    assert frame["skill"].isna().all()


def test_csv_and_latex_hold_the_same_table(tmp_path: Path) -> None:
    frame = score_frame(scores())
    csv, tex = write_table(frame, tmp_path / "tables", "val")
    assert (csv.name, tex.name) == ("val.csv", "val.tex")
    pd.testing.assert_frame_equal(pd.read_csv(csv), frame)
    head, *rows = cells_of(tex.read_text())
    assert len(rows) == len(frame)
    assert {len(row) for row in [head, *rows]} == {len(frame.columns)}
    assert head[5].strip() == r"position\_match\_2"
    assert float(rows[1][2]) == pytest.approx(frame.iloc[1, 2], abs=5e-4)
    assert "nan" not in tex.read_text().lower()


def test_latex_escapes_names_and_columns(tmp_path: Path) -> None:
    _, written = write_table(pd.DataFrame({HOSTILE: [HOSTILE], "number": [0.12345]}), tmp_path, "x")
    head, row = cells_of(written.read_text())
    for cell in (head[0], row[0]):
        assert r"a\_b 50\% R\&D \{x\} \textbackslash" in cell
    assert row[1].strip() == "0.123"


def test_columns_for_csv_only_are_not_in_latex(tmp_path: Path) -> None:
    csv, tex = write_table(
        pd.DataFrame({"score": [0.5], "runs": ["0" * 300]}), tmp_path, "x", csv_only=["runs"]
    )
    assert list(pd.read_csv(csv, dtype=str)) == ["score", "runs"]
    assert cells_of(tex.read_text())[0] == ["score "]
