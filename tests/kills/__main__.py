"""Kills commands at random moments, some on a full disk, runs them again, and looks for what was lost.

    python -m tests.kills [times=40] [seed=1] [commands=ingest,train] [small_disk=FOLDER]

With `small_disk`, a folder on a file system of some hundred MiB, the project lies there, and the disk is full
each time. Prints a line for each kill, and exits with 1 where something was lost.
"""

import contextlib
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from tests.kills.commands import COMMANDS, Command
from tests.kills.project import Project


def main() -> int:
    """Runs by the command line; returns the exit status."""
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    random = Random(options.get("seed", "1"))
    names = options["commands"].split(",") if "commands" in options else list(COMMANDS)
    small = options.get("small_disk")
    failed = Counter[str]()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="likerank-kills-", dir=small)))
        project = stack.enter_context(Project(folder))
        durations: dict[str, float] = {}
        for number in range(int(options.get("times", "40"))):
            name = names[number % len(names)]
            what, wrong = _killed_once(project, COMMANDS[name], number, random, durations, full=bool(small))
            failed[name] += bool(wrong)
            print(f"{number + 1:3d} {name:8s} {what}: {'; '.join(wrong) or 'right'}", flush=True)
    print(f"failed: {', '.join(f'{name} {times}' for name, times in failed.items() if times) or 'none'}")
    return bool(failed.total())


def _killed_once(
    project: Project,
    command: Command,
    number: int,
    random: Random,
    durations: dict[str, float],
    *,
    full: bool,
) -> tuple[str, list[str]]:
    """Kills a command once and runs it again; returns what was done and what is wrong afterwards."""
    arguments = command.arguments(project, number)
    after = random.uniform(0, durations.get(command.name, command.seconds))
    room = random.randint(0, 2 << 20)
    with project.full_disk(room) if full else contextlib.nullcontext():
        first = project.run(arguments, kill_after=None if full else after)
    what = f"ended with {first.status}"
    what += f" on a disk with {room >> 10} KiB" if full else f" after {first.seconds:.1f} s"
    wrong = list(first.complaints(killed=True))
    if first.status != 0:
        again = project.run(arguments)
        durations[command.name] = again.seconds
        wrong += again.complaints(killed=False)
    return what, [*wrong, *project.complaints(), *command.complaints(project, number)]


if __name__ == "__main__":
    sys.exit(main())
