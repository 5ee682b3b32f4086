"""Passwords come from the environment: one in the configuration is refused before anything writes it down."""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

_URI_WITH_PASSWORD = re.compile(r"(\w[\w+.-]*://)[^\s/@:]*:[^\s/@]+@")
_REFUSAL = (
    "{place} holds a password, which Hydra would write into its folders: put the whole URI into "
    "the environment variable LIKERANK_MONGODB_URI and use store=mongodb (for MLflow, "
    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)."
)


def refuse_passwords_in(arguments: Sequence[str]) -> None:
    """Exits with a sentence where a command-line argument holds a URI with a password."""
    for argument in arguments:
        if has_password(argument):
            place = f"The override of {argument.split('=')[0].lstrip('+~')}"
            sys.exit(f"likerank: {_REFUSAL.format(place=place)}")


def has_password(text: str) -> bool:
    """Whether a text holds a URI with a password."""
    return _URI_WITH_PASSWORD.search(text) is not None


def without_passwords(text: str) -> str:
    """Returns a text with the user and the password of each URI left out."""
    return _URI_WITH_PASSWORD.sub(r"\1", text)


def password_in(config: DictConfig) -> str:
    """Returns a sentence that names the key of a password in the configuration; empty where there is none."""
    for key, value in _leaves(OmegaConf.to_container(config, resolve=False), ""):
        if has_password(value):
            return _REFUSAL.format(place=f"The configuration's {key}")
    return ""


class RefusePasswords(Callback):
    """Hydra's callback that reads the composed configuration before Hydra writes it."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """Checks the configuration of a run."""
        if refusal := password_in(config):
            # Hydra turns an exception of a callback into a warning; an exit passes.
            sys.exit(f"likerank: {refusal}")

    on_multirun_start = on_run_start


class RefuseSweeps(Callback):
    """Hydra's callback for a command whose overrides must not be written down, as a sweep would."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """Exits before the sweep's folder is made."""
        sys.exit(
            "likerank: This command takes one author at a time: leave out -m, which would write names down."
        )


def _leaves(node: Any, key: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _leaves(child, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for child in node:
            yield from _leaves(child, key)
    elif isinstance(node, str):
        yield key, node
