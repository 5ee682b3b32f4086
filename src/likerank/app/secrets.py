"""Passwords come from the environment: one in the configuration is refused before anything writes it down."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from likerank.secret_text import has_password, hide_path_of

_SHORTEST: Final = 6
_REFUSAL: Final = (
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


def password_in(config: DictConfig) -> str:
    """Returns a sentence that names the key of a password in the configuration; empty where there is none."""
    leaves = _leaves(OmegaConf.to_container(config, resolve=False), "")
    # Hydra repeats the overrides below its own key.
    for key, value in sorted(leaves, key=lambda leaf: leaf[0].startswith("hydra.")):
        if has_password(value) or ("${" in value and has_password(_resolved(config, key))):
            return _REFUSAL.format(place=f"The configuration's {key}")
    return ""


def from_environment(config: DictConfig) -> dict[str, str]:
    """Returns the keys whose values the environment gives, with their text as written: it may be a secret."""
    written = {
        key: value
        for key, value in _leaves(OmegaConf.to_container(config, resolve=False), "")
        if "${" in value
    }
    direct = {key: value for key, value in written.items() if "oc.env" in value}
    # What another key only refers to; a shorter value may be a part of anything.
    given = [value for key in direct if len(value := _resolved(config, key)) >= _SHORTEST]
    return direct | {
        key: value
        for key, value in written.items()
        if any(secret in _resolved(config, key) for secret in given)
    }


def hide_given_uris(config: DictConfig) -> None:
    """Hides the paths of the URIs that the environment gives from this process's errors and logs."""
    for key in from_environment(config):
        hide_path_of(_resolved(config, key))


def _resolved(config: DictConfig, key: str) -> str:
    try:
        return str(OmegaConf.select(config, key, throw_on_missing=False) or "")
    except OmegaConfBaseException:  # Told where the key is used.
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
        for number, child in enumerate(node):
            yield from _leaves(child, f"{key}[{number}]")
    elif isinstance(node, str):
        yield key, node
