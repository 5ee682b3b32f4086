"""Groups runs by their choices, and labels the groups by the choices that differ."""

import json
import re
from collections.abc import Collection, Mapping, Sequence

from likerank.run_names import OVERRIDES

# They do not change what a run learned of a snapshot, or are no choice but chance.
_NOT_CHOICES = ("seed", "threads", "objective", "figures", "trainer.enable_progress_bar")
_NOT_CHOICES_WITHIN = ("snapshot.", "store.", "tracking.", "evaluation.", "logger.", "metrics.")
_TARGET = "._target_"
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_FRACTION = re.compile(r"-?\d+\.\d+(e[-+]?\d+)?")
_ABSENT = "(absent)"


def choices_of(params: Mapping[str, str], split_by: Collection[str] = ()) -> dict[str, str]:
    """Returns the choices of a run by key; runs with the same choices are one configuration.

    Args:
        params: A run's parameters, flat.
        split_by: Keys to keep that are otherwise no choices, such as `seed`.
    """
    return {
        key.removesuffix(_TARGET): value
        for key, value in params.items()
        if key in split_by
        or not (
            key in _NOT_CHOICES
            or key.startswith(_NOT_CHOICES_WITHIN)
            # The order of the batches starts from the run's seed unless it was given its own.
            or (key.endswith(".seed") and value == params.get("seed"))
        )
    }


def labels_of(configurations: Sequence[Mapping[str, str]], alone: str) -> list[str]:
    """Returns a label for each configuration, made only of the choices that differ between them.

    Args:
        configurations: Their choices; no two the same.
        alone: The label where nothing differs.
    """
    keys = sorted({key for choices in configurations for key in choices}, key=_network_first)
    # A key that only one kind of network has tells nothing that the network's name does not.
    shown = [key for key in keys if len({c[key] for c in configurations if key in c}) > 1]
    shown = _without_followers(shown, configurations)
    labels = [_label(choices, [key for key in shown if key in choices], shown) for choices in configurations]
    if len(set(labels)) < len(labels):
        shown = [key for key in keys if len({c.get(key, _ABSENT) for c in configurations}) > 1]
        labels = [
            " ".join(f"{key}={choices.get(key, _ABSENT)}" for key in shown) for choices in configurations
        ]
    return [label or alone for label in labels]


def _without_followers(keys: Sequence[str], configurations: Sequence[Mapping[str, str]]) -> list[str]:
    """Drops keys that always have the value of one before them, such as a schedule's of the optimiser's."""
    first_of = {tuple(c.get(key, _ABSENT) for c in configurations): key for key in reversed(keys)}
    return [key for key in keys if key in first_of.values()]


def short_value(value: str) -> str:
    """Returns a choice's value in short: a class without its module, a number of four digits."""
    if _DOTTED_NAME.fullmatch(value):
        return value.rsplit(".", 1)[-1]
    return f"{float(value):.4g}" if _FRACTION.fullmatch(value) else value.replace(", ", ",")


def _network_first(key: str) -> tuple[bool, str]:
    return not key.startswith("network"), key


def _label(choices: Mapping[str, str], keys: Sequence[str], all_keys: Sequence[str]) -> str:
    last = [key.rsplit(".", 1)[-1] for key in all_keys]
    return " ".join(
        f"{name if last.count(name) == 1 else key}={short_value(choices[key])}"
        for key in keys
        for name in [key.rsplit(".", 1)[-1]]
    )


def overrides_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Returns the overrides of a sweep's trial by key or group, such as `network`; read from its tags."""
    overrides = json.loads(tags[OVERRIDES])
    if isinstance(overrides, dict):
        return overrides
    # likerank 0.1.0 kept them as they were typed.
    return {key.lstrip("+"): value for key, _, value in (each.partition("=") for each in overrides)}
