"""`likerank COMMAND` and its scripts: help, completion, and where the user's configuration comes from."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from likerank.app.aliases import with_present_names
from likerank.app.compose import command_configuration, stage_configuration
from likerank.app.help import CONF, help_text, read_help
from likerank.app.paths import open_tracking
from likerank.cli import COMMANDS, main
from likerank.errors import LikerankError
from tests.scripts_called import call_script
from tests.workplaces import Workplace, wait_for

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {
    "torch",
    "mlflow",
    "pymongo",
    "pandas",
    "sklearn",
    "PIL",
    "pytorch_lightning",
    "instaloader",
    "hydra",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a conf folder of its own, and no other configuration."""
    monkeypatch.chdir(tmp_path)
    for name in ("LIKERANK_CONF", "LIKERANK_STORE", "LIKERANK_TRACKING", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")  # Restored afterwards, also where a test sets it.
        monkeypatch.delenv(name)
    (tmp_path / "conf" / "network").mkdir(parents=True)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/likerank", *arguments])
    main()
    return capsys.readouterr().out


def test_likerank_lists_its_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    overview = said(capsys, monkeypatch, "--help")
    assert overview == said(capsys, monkeypatch)
    listed = [line.split()[0] for line in overview.splitlines() if line.startswith("  ")]
    assert listed == list(COMMANDS)
    assert listed[:2] == ["ingest", "train"]
    assert said(capsys, monkeypatch, "--version").startswith("likerank 0.")


def test_an_unknown_command_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["likerank", "trian", "seed=1"])
    with pytest.raises(SystemExit, match="There is no command trian; is train meant"):
        main()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_every_key_with_a_comment(command: str) -> None:
    help_ = read_help(command)
    text = help_text(command, f"likerank {command}")
    keys = [*help_.keys, *(key for group in help_.groups for key in group.keys)]
    assert not [key.name for key in keys if not key.comment]
    assert not [key.name for key in keys if f"  {key.name}" not in text]
    composed = command_configuration(command)
    missing = {key for key in _leaves(composed) if "_target_" not in key and "_partial_" not in key}
    assert not missing - {key.name for key in keys}
    for group in help_.groups:
        options = {file.stem for file in (CONF / group.name).glob("*.yaml")}
        assert set(group.options) == options
        assert all(group.options.values()), f"an option of {group.name} has no comment"
    assert "Hydra: -m" in text


def _leaves(node: object, key: str = "") -> Iterator[str]:
    if hasattr(node, "items") and len(node):  # type: ignore[arg-type]
        for name in node:  # type: ignore[attr-defined]
            child = node._get_node(name)  # type: ignore[attr-defined]
            yield from _leaves(child, f"{key}.{name}" if key else str(name))
    elif key:
        yield key


def test_help_names_the_options_that_have_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    text = help_text("train", "likerank train")
    assert "network=residual                    large_filters, paper" in text
    assert "target.posts=30                     number of training posts around a date (local_log_z)" in text


@pytest.mark.slow
def test_a_completion_lists_commands_then_keys(tmp_path: Path) -> None:
    def completed(line: str) -> list[str]:
        ran = subprocess.run(
            [sys.executable, "-c", "from likerank.cli import main; main()", "-sc", "query=bash"],
            env=os.environ | {"COMP_LINE": line, "COMP_POINT": str(len(line))},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.split()

    assert completed("likerank tr") == list(COMMANDS)
    assert "network=residual" in completed("likerank train network=")


@pytest.mark.parametrize("entry", [["likerank.py", "train"], ["train.py"]], ids=str)
def test_both_entry_points_keep_hydras_flags(entry: list[str], tmp_path: Path) -> None:
    (tmp_path / "likerank.py").write_text("from likerank.cli import main; main()")
    (tmp_path / "train.py").write_bytes((ROOT / "scripts" / "train.py").read_bytes())
    (tmp_path / "mine" / "network").mkdir(parents=True)
    (tmp_path / "mine" / "network" / "own.yaml").write_text("_target_: own.Network\nwidth: 3\n")
    script, *command = entry
    for found in (["--config-dir", "mine"], [f"hydra.searchpath=[file://{tmp_path}/mine]"]):
        asked = ["--cfg", "job", "--package", "network", "network=own", *found]
        ran = call_script([str(tmp_path / script), *command, *asked], tmp_path)
        assert ran.returncode == 0, ran.stderr
        assert "_target_: own.Network" in ran.stdout


@pytest.mark.slow
def test_importing_likerank_and_its_help_is_light(tmp_path: Path) -> None:
    script = "import sys, likerank; from likerank.cli import main; main(); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script, "train", "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert not HEAVY & set(ran.stdout.splitlines()[-1].split())


def test_a_local_file_sets_store_and_tracking_once(place: Path) -> None:
    (place / "conf" / "local.yaml").write_text(
        "defaults:\n  - override /store: mongodb\n  - override /tracking: server\n"
        "tracking:\n  uri: http://mlflow.example\npaths:\n  data: elsewhere\n"
    )
    for command in COMMANDS:
        config = command_configuration(command)
        assert config.store.uri == "env:LIKERANK_MONGODB_URI"
        assert (config.tracking.uri, config.paths.data) == ("http://mlflow.example", "elsewhere")
        assert config.paths.archive == "elsewhere/archive"
    assert command_configuration("train", ["store=embedded", "paths.data=x"]).store.uri == "embedded"


def test_the_example_of_a_local_file_composes(place: Path) -> None:
    (place / "conf" / "local.yaml").write_text((CONF / "local.example.yaml").read_text())
    assert command_configuration("train").tracking.uri.startswith("http://")


def test_environment_variables_choose_store_and_tracking(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIKERANK_STORE", "mongodb")
    monkeypatch.setenv("LIKERANK_TRACKING", "server")
    config = command_configuration("train")
    assert (config.store.uri, config.tracking.uri) == ("env:LIKERANK_MONGODB_URI", "env:MLFLOW_TRACKING_URI")
    assert command_configuration("train", ["tracking=sqlite"]).tracking.uri == "sqlite"
    with pytest.raises(LikerankError, match="the environment variable MLFLOW_TRACKING_URI"):
        open_tracking(config)


def test_mlflows_own_variable_is_followed(
    place: Path, monkeypatch: pytest.MonkeyPatch, mlflow_database: Path
) -> None:
    (place / "mlruns").mkdir()
    for database in ("own.db", "mlruns/mlflow.db"):
        shutil.copy(mlflow_database, place / database)
    uri = f"sqlite:///{place}/own.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracking = open_tracking(command_configuration("train"))
    assert tracking.uri == uri
    assert open_tracking(command_configuration("train", ["tracking=sqlite"])).uri.endswith("mlruns/mlflow.db")
    assert os.environ["MLFLOW_TRACKING_URI"] == uri, "what likerank opens is not the user's choice"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@mlflow.example")
    with pytest.raises(LikerankError, match="MLFLOW_TRACKING_PASSWORD") as refused:
        open_tracking(command_configuration("train"))
    assert "hunter2" not in str(refused.value)


def test_a_password_in_the_local_file_is_refused(place: Path) -> None:
    (place / "conf" / "local.yaml").write_text("store:\n  uri: mongodb://me:hunter2@db.example\n")
    with pytest.raises(LikerankError, match=r"store\.uri holds a password") as refused:
        command_configuration("train")
    assert "hunter2" not in str(refused.value)


def test_options_in_the_working_folder_are_found(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = place / "conf" / "network" / "mine.yaml"
    own.write_text("# A network of mine.\n_target_: mine.Network\nwidth: 3 # of it\n")
    (place / "conf" / "network" / "residual.yaml").write_text("_target_: mine.Residual\n")
    assert command_configuration("train", ["network=mine"]).network.width == 3
    assert command_configuration("train").network._target_ == "likerank.models.ResidualNet"
    assert "network.width=3                     of it (mine)" in help_text("train", "likerank train")
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    monkeypatch.setenv("LIKERANK_CONF", "../conf")
    assert command_configuration("train").network._target_ == "mine.Residual", "a folder that is named wins"
    monkeypatch.setenv("LIKERANK_CONF", "nowhere")
    with pytest.raises(LikerankError, match="LIKERANK_CONF names nowhere"):
        command_configuration("train")


def test_a_stage_follows_its_commands_places(place: Path) -> None:
    refresh = command_configuration("refresh", ["store=mongodb", "paths.data=x"])
    assert stage_configuration("train", ["network=paper"], refresh).store.uri == "env:LIKERANK_MONGODB_URI"
    with pytest.raises(
        LikerankError, match="cannot be configured by store=embedded: set store on the command"
    ):
        stage_configuration("train", ["store=embedded"], refresh)


def test_old_keys_are_translated_where_a_command_has_any() -> None:
    assert with_present_names("train", ["seed=1", "-m"]) == ["seed=1", "-m"]


def test_every_yaml_of_conf_is_one_document() -> None:
    for file in CONF.rglob("*.yaml"):
        assert isinstance(yaml.safe_load(file.read_text()), dict), file


@pytest.mark.slow
def test_mlflows_pages_open_on_the_configured_runs(workplace: Workplace) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    process = workplace.start("ui", f"port={port}")

    def answers() -> bool:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return bool(answer.status == 200)
        return False

    try:
        wait_for(answers, process)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate()
    assert f"MLflow's pages: http://127.0.0.1:{port}" in output
    assert "likerank: " not in errors
