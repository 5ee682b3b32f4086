"""A script run in the tests' own process, where a start would only import the same libraries once more."""

import io
import logging
import os
import runpy
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton


def call_script(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs a script to its end as Python would; its command line is its path and its overrides."""
    status: object = 0
    with (
        _as_it_was(),
        chdir(folder),
        redirect_stdout(io.StringIO()) as output,
        redirect_stderr(io.StringIO()) as errors,
    ):
        sys.argv = command
        sys.path.insert(0, str(Path(command[0]).parent))
        try:
            runpy.run_path(command[0], run_name="__main__")
        except SystemExit as ended:
            status = ended.code or 0
        if isinstance(status, str):  # A sentence at its end is printed.
            print(status, file=sys.stderr)
            status = 1
    assert isinstance(status, int)
    return subprocess.CompletedProcess(command, status, output.getvalue(), errors.getvalue())


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Restores what a script changes in its process: Hydra's singletons, logging, warnings, sys, environ."""
    Plugins.instance()  # Each plugin registers its options once in a process, and not in a script's time.
    root, argv, paths, environment = logging.getLogger(), sys.argv, sys.path[:], dict(os.environ)
    handlers, level, singletons = root.handlers[:], root.level, Singleton.get_state()
    GlobalHydra.instance().clear()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        Singleton.set_state(singletons)
        sys.argv, sys.path[:] = argv, paths
        os.environ.clear()
        os.environ.update(environment)
