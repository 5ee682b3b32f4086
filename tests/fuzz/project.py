"""Damaged files of a project, and command lines."""

import json
import shutil
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Final

import torch
from instaloader import FrozenNodeIterator

from likerank.app.compose import command_configuration
from likerank.app.help import CONF, read_help
from likerank.collecting.state import AccountState, CollectState, Pass
from likerank.dataset import Snapshot
from likerank.store import Store
from likerank.training.checkpoints import checkpoint_weights
from likerank.training.snapshot import summary_of, warning_of
from tests.fuzz.mutations import damaged_bytes, damaged_value
from tests.synthetic_snapshots import write_snapshot

_COMMANDS: Final = tuple(file.stem for file in CONF.glob("*.yaml") if (CONF / f"{file.stem}.yaml").exists())
_VALUES: Final = (
    *("", "null", "true", "-1", "0", "1e999", "[]", "[a,b]", "{a:1}", "{", "'", '"', "${seed}", "${a}", "${"),
    *(
        "${oc.env:HOME}",
        "\\",
        "a,b",
        "x=y",
        "\0",
        "\n",
        "\x1b[31m",
        "\u00e4",
        "~",
        "../x",
        "2024_05_31",
        "???",
    ),
    *(
        "a" * 10_000,
        "[" * 200,
        "choice(1,2)",
        "range(1,9)",
        "int(1)",
        "!",
        "bf16-true",
        "${hydra:x}",
        "@",
        "%s",
    ),
    *(
        "[a, b]",
        "interval(0,1)",
        "str(1)",
        "1_000",
        "0x1",
        "nan",
        "(",
        ")",
        ":",
        "a:b",
        "${a.${b}}",
        "$${seed}",
    ),
)


@cache
def _project() -> Path:
    """A folder with the files of a small project."""
    folder = Path(mkdtemp(prefix="likerank-fuzz-"))
    write_snapshot(folder / "snapshot")
    torch.save({"state_dict": {"scorer.x": torch.arange(64.0)}}, folder / "best.ckpt")
    state = CollectState(folder)
    state.folder.mkdir(parents=True, exist_ok=True)
    state.note_name("ann", "ann", 7)
    state.complete("ann", 1714550400.0)
    state.note_done("all", ["ann"])
    frozen = FrozenNodeIterator("hash", {"id": "7"}, None, None, 3, 4e9, {"edges": []}, None, None)
    state.keep(7, AccountState("ann", {"C1": 1.0}, current=Pass(frozen=frozen._asdict())))
    return folder


def draw_snapshot(random: Random, folder: Path) -> None:
    """Copies a snapshot and damages one of its files."""
    shutil.copytree(_project() / "snapshot", folder / "snapshot")
    file = random.choice(sorted((folder / "snapshot").iterdir()))
    data = file.read_bytes()
    if file.suffix == ".json" and random.random() < 0.7:
        file.write_text(json.dumps(damaged_value(random, json.loads(data), 2)))
    else:
        file.write_bytes(damaged_bytes(random, data))


def read_snapshot(folder: Path, store: Store) -> None:
    """Opens a snapshot as a training does."""
    snapshot = Snapshot(folder / "snapshot")
    snapshot.check()
    summary_of(snapshot)
    warning_of(snapshot)
    for split in ("train", "val", "test"):
        assert snapshot.pixels[snapshot.rows(split)].dtype == "uint8"


def draw_checkpoint(random: Random, folder: Path) -> None:
    """Damages a checkpoint."""
    (folder / "best.ckpt").write_bytes(damaged_bytes(random, (_project() / "best.ckpt").read_bytes()))


def read_checkpoint(folder: Path, store: Store) -> None:
    """Reads a checkpoint's weights."""
    checkpoint_weights(folder / "best.ckpt")


def draw_collect_state(random: Random, folder: Path) -> None:
    """Damages a file of the collector's state."""
    shutil.copytree(_project() / ".collect", folder / ".collect")
    files = [file for file in sorted((folder / ".collect").iterdir()) if file.stat().st_size]
    file = random.choice(files)
    file.write_bytes(damaged_bytes(random, file.read_bytes()))


def read_collect_state(folder: Path, store: Store) -> None:
    """Uses the state as a collection does."""
    state = CollectState(folder)
    state.id_of("ann")
    state.names()
    account = state.account(7)
    if account.current is not None:
        account.current.iterator()
    state.complete_until("ann")
    state.done_before("all")
    state.note_name("ann", "anna", 7)
    state.complete("anna", 1714550500.0)
    state.keep(7, account)
    state.remove_names("7", {"ann"})


def draw_overrides(random: Random, folder: Path) -> None:
    """Writes a command and some overrides."""
    command = random.choice(_COMMANDS)
    known = read_help(command).known()
    overrides = []
    for _ in range(random.randint(1, 3)):
        key = (
            random.choice(known)
            if random.random() < 0.9
            else random.choice(("x", "", "hydra.x", "a.b.c", "0"))
        )
        value = random.choice(_VALUES)
        overrides.append(f"{random.choice(('', '', '', '+', '++', '~'))}{key}={value}")
    if random.random() < 0.3:
        text = damaged_bytes(random, overrides[0].encode(), 2)[:100_000].decode("utf-8", "surrogateescape")
        overrides[0] = text.replace("\0", "")
    (folder / "command.json").write_text(json.dumps([command, *overrides]))


def read_overrides(folder: Path, store: Store) -> None:
    """Composes the configuration of a command."""
    command, *overrides = json.loads((folder / "command.json").read_text())
    command_configuration(command, overrides)
