"""The command line: `likerank COMMAND KEY=VALUE ...`, and the same by scripts/COMMAND.py."""

import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NoReturn

from likerank.app.help import help_text, summary_of
from likerank.app.sentences import errors_as_sentences
from likerank.app.stop_signals import end_on_signals
from likerank.version import __version__

if TYPE_CHECKING:
    from omegaconf import DictConfig

COMMANDS: Final[Mapping[str, str]] = {
    "ingest": "likerank.commands.ingest:ingest",
    "train": "likerank.commands.train:train",
    "evaluate": "likerank.commands.evaluate:evaluate",
    "compare": "likerank.commands.compare:compare",
    "promote": "likerank.commands.promote:promote",
    "rank": "likerank.commands.rank:rank",
    "analyse": "likerank.commands.analyse:analyse",
    "collect": "likerank.cli:collect",
    "refresh": "likerank.cli:refresh",
    "export": "likerank.commands.export:export",
    "forget": "likerank.commands.forget:forget",
    "ui": "likerank.commands.ui:ui",
    "demo": "likerank.commands.demo:demo",
}
"""The function of each command, the everyday ones first; its configuration is conf/COMMAND.yaml."""


def main(command: str | None = None, target: str = "") -> None:
    """Runs the command that sys.argv names.

    Args:
        command: The command of a script that has only one.
        target: The script's function, as `module:function`; that of the command of this name unless given.
    """
    arguments, program = sys.argv[1:], f"python {sys.argv[0]}"
    if command is None:
        if not arguments or arguments[0] in ("-h", "--help"):
            with errors_as_sentences():
                print(_overview())
            return
        if arguments[0] == "--version":
            print(f"likerank {__version__}")
            return
        if arguments[0] in ("-sc", "--shell-completion"):
            command = _completed_command()
        else:
            command, *arguments = arguments
        program = f"likerank {command}"
        if command not in COMMANDS:
            _unknown(command)
    end_on_signals()
    with errors_as_sentences(command):
        if not {"-h", "--help"}.isdisjoint(arguments):
            print(help_text(command, program))
            return
        from likerank.app.run_command import run_command

        run_command(command, target or COMMANDS[command], arguments)


def collect(config: "DictConfig") -> None:
    """Collects; exits with status 3 where accounts failed and 4 where Instagram refused."""
    from likerank.commands.collect import collect

    collect(config).raise_if_incomplete()


def refresh(config: "DictConfig") -> NoReturn:
    """Refreshes, and exits with the status of that."""
    from likerank.commands.refresh import refresh

    sys.exit(refresh(config))


def _overview() -> str:
    lines = [f"  {command:10}{summary_of(command)}" for command in COMMANDS]
    return "\n".join(
        [
            "likerank COMMAND KEY=VALUE ...",
            "",
            *lines,
            "",
            "likerank COMMAND --help lists the command's keys.",
        ]
    )


def _completed_command() -> str:
    """Returns the command of the line that a shell completes, and leaves the rest of the line to Hydra.

    Ends the process with the commands where the line has none yet.
    """
    if "COMP_LINE" not in os.environ:
        return "train"  # The installing of the completion, which is the same for all commands.
    program, _, rest = os.environ["COMP_LINE"].partition(" ")
    command, complete, rest = rest.lstrip().partition(" ")
    if not complete:
        print(" ".join(COMMANDS))
        sys.exit()
    os.environ["COMP_LINE"] = f"{program} {rest}"
    return command


def _unknown(command: str) -> NoReturn:
    nearest = get_close_matches(command, COMMANDS, n=1)
    hint = f"is {nearest[0]} meant?" if nearest else "likerank --help lists the commands."
    sys.exit(f"likerank: There is no command {command}; {hint}")
