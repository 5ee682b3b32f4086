"""A model's card as Markdown: its training data, its scores and its limits."""

from collections.abc import Mapping
from typing import Any

from likerank.evaluation import ScoreTable
from likerank.reports.export import score_frame
from likerank.reports.reading import reading_in_words
from likerank.reports.table import SCOPES, bands_in_words, headline_in_words, metrics_in_words, scopes_of

_CHOICES = (
    "network._target_",
    "target._target_",
    "optimizer.lr",
    "data.batch_size",
    "trainer.max_epochs",
    "seed",
)


def model_card(
    *,
    run_id: str,
    name: str,
    params: Mapping[str, str],
    manifest: Mapping[str, Any],
    code: str,
    validation: ScoreTable,
    judged_on: str,
    test: ScoreTable | None,
    promotion: str,
) -> str:
    """Returns the card.

    Args:
        run_id: The run that trained the model.
        name: Network and target, such as `ResidualNet on AuthorLog`.
        params: The training's parameters.
        manifest: The manifest of the snapshot, see `Snapshot.manifest`.
        code: The code's version.
        validation: The ranking that the model was judged by.
        judged_on: The posts of that ranking, in words.
        test: The ranking on test, or None before test was scored.
        promotion: How the model became champion, in a sentence.
    """
    counts = manifest["counts"]
    splits = ", ".join(f"{number:,} {split}" for split, number in counts["posts"].items())
    synthetic = "The posts are synthetic: drawn pictures with likes by a formula, not Instagram's.\n"
    recipe = ", ".join(f"{key} {value}" for key, value in manifest["recipe"].items())
    chosen = "\n".join(f"| {key} | {params[key]} |" for key in _CHOICES if key in params)
    if test is None:
        command = f"likerank promote run_id={run_id}"
        on_test = f"## Test\n\nNot scored yet: `{command}` scores it, once, and completes this card."
    else:
        on_test = f"## Test, scored once\n\n{_table(test)}"
    return f"""# {name}

Run `{run_id}`, likerank code `{code}`. {promotion}

## Data

Snapshot `{manifest["fingerprint"]}`: {splits} posts of {len(counts["authors"]):,} authors ({recipe}).
{synthetic * manifest["synthetic"]}
## Training

| parameter | value |
| --- | --- |
{chosen}

{on_test}

## Judged on {judged_on}

{_table(validation)}

{metrics_in_words(validation)} `author_mean` knows the author, `author_then` the author and the date; neither
sees the picture.
{" ".join((headline_in_words(validation), *bands_in_words(validation), validation.ceiling))}

{" ".join(reading_in_words(validation))}

## Limits

- The model sees only pictures: no caption, no hour, no audience. It orders photos of one account, no more.
- Scores of pictures unlike those in the training data mean little.
- Like counts are noisy. Two photos with close scores are a tie, whatever their order.
- The model learned the taste of these authors' audiences, with its fashions and prejudices.
"""


def _table(table: ScoreTable) -> str:
    frame, (lead, *others) = score_frame(table).set_index("scope"), table.shown
    numbers = frame.map(lambda value: value if isinstance(value, str) else f"{value:.3f}").replace("nan", "")
    bounds = " (" + numbers[f"{lead.name}_low"] + " to " + numbers[f"{lead.name}_high"] + ")"
    numbers[lead.name] += bounds.where(frame[f"{lead.name}_low"].notna(), "")
    columns = [lead.name, *(words.name for words in others)]
    lines = [f"| | {' | '.join(words.label for words in table.shown)} |", f"|{' --- |' * (len(columns) + 1)}"]
    for scope in scopes_of(table):
        lines.append(f"| **{SCOPES[scope]}** |{' |' * len(columns)}")
        rows = numbers[(numbers.index == scope) & (numbers["predictor"] != "ceiling")]
        lines += (f"| {' | '.join(cells)} |" for cells in rows[["predictor", *columns]].to_numpy())
    return "\n".join(lines)
