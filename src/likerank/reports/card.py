"""A model's card as Markdown: its training data, its scores and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from likerank.evaluation import ACROSS, WITHIN, ScoreRow, ScoreTable

_METRICS = {
    "pairwise": "pairs",
    "position_match_2": "of 2",
    "position_match_5": "of 5",
    "position_match_10": "of 10",
    "spearman": "rho",
}
_LIMITS = """\
- The model sees only pictures: no caption, no hour, no audience. It orders photos of one account, no more.
- Scores of pictures unlike those in the training data mean little.
- Like counts are noisy. Two photos with close scores are a tie, whatever their order.
- The model learned the taste of these authors' audiences, with its fashions and prejudices."""


@dataclass(frozen=True)
class ModelFacts:
    """The facts on a model's card.

    Attributes:
        run_id: The run that trained the model.
        name: Network and target, such as `ResidualNet on AuthorLog`.
        params: The training's parameters.
        manifest: The manifest of the snapshot, see `Snapshot.manifest`.
        code: The code's version.
        validation: The ranking on validation's model-selection half.
        test: The ranking on test, or None before test was scored.
        promotion: How the model became champion, in a sentence.
    """

    run_id: str
    name: str
    params: Mapping[str, str]
    manifest: Mapping[str, Any]
    code: str
    validation: ScoreTable
    test: ScoreTable | None
    promotion: str


def model_card(facts: ModelFacts) -> str:
    """Returns the card."""
    manifest, counts = facts.manifest, facts.manifest["counts"]
    splits = ", ".join(f"{number:,} {split}" for split, number in counts["posts"].items())
    synthetic = "The posts are synthetic: drawn pictures with likes by a formula, not Instagram's.\n"
    is_synthetic = manifest["synthetic"]
    recipe = ", ".join(f"{key} {value}" for key, value in manifest["recipe"].items())
    chosen = (
        "network._target_",
        "target._target_",
        "optimizer.lr",
        "data.batch_size",
        "trainer.max_epochs",
        "seed",
    )
    params = "\n".join(f"| {key} | {facts.params[key]} |" for key in chosen if key in facts.params)
    return f"""# {facts.name}

Run `{facts.run_id}`, likerank code `{facts.code}`. {facts.promotion}

## Data

Snapshot `{manifest["fingerprint"]}`: {splits} posts of {len(counts["authors"]):,} authors ({recipe}).
{synthetic * is_synthetic}
## Training

| parameter | value |
| --- | --- |
{params}

{_test(facts)}

## Validation (the model-selection half)

{_table(facts.validation)}

pairs: share of pairs ranked correctly, with its 95 % interval; of n: how often a post is at its true place
in a set of n; rho: Spearman's correlation. `author_mean` knows the author and never sees the picture.

## Limits

{_LIMITS}
"""


def _test(facts: ModelFacts) -> str:
    if facts.test is None:
        command = f"likerank promote run_id={facts.run_id}"
        return f"## Test\n\nNot scored yet: `{command}` scores it, once, and completes this card."
    return f"## Test, scored once\n\n{_table(facts.test)}"


def _table(table: ScoreTable) -> str:
    rows = {(row.scope, row.predictor, row.metric): row for row in table.rows}
    head = f"| | {' | '.join(_METRICS.values())} |\n|{' --- |' * (len(_METRICS) + 1)}"
    lines = []
    for scope, words in ((WITHIN, "within an author"), (ACROSS, "across authors")):
        lines.append(f"| **{words}** |{' |' * len(_METRICS)}")
        predictors = dict.fromkeys(predictor for where, predictor, _ in rows if where == scope)
        for predictor in predictors:
            cells = (_cell(rows.get((scope, predictor, metric))) for metric in _METRICS)
            lines.append(f"| {predictor} | {' | '.join(cells)} |")
        chance = (rows.get((scope, "network", metric)) for metric in _METRICS)
        cells = ("" if row is None or row.chance is None else f"{row.chance:.3f}" for row in chance)
        lines.append(f"| chance | {' | '.join(cells)} |")
    return "\n".join([head, *lines])


def _cell(row: ScoreRow | None) -> str:
    if row is None or row.estimate is None:
        return ""
    if row.metric != "pairwise" or row.low is None or row.high is None:
        return f"{row.estimate:.3f}"
    return f"{row.estimate:.3f} ({row.low:.3f} to {row.high:.3f})"
