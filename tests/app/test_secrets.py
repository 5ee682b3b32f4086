"""A password given in the configuration is refused before anything writes it down."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from likerank.app.secrets import from_environment, refuse_passwords_in
from tests.scripts_called import call_script

ROOT = Path(__file__).resolve().parents[2]
PLANTED = "hunter2"


@pytest.mark.parametrize(
    "argument",
    [
        f"store.uri=mongodb://me:{PLANTED}@db.example/likerank",
        f"+store.uri=mongodb+srv://me:{PLANTED}@db.example",
        f"tracking.uri=https://:{PLANTED}@mlflow.example",
    ],
)
def test_an_override_with_a_password_is_refused_by_its_key(argument: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        refuse_passwords_in(["seed=1", argument])
    assert "LIKERANK_MONGODB_URI" in str(refusal.value)
    assert PLANTED not in str(refusal.value)


@pytest.mark.parametrize(
    "argument",
    [
        "store.uri=mongodb://db.example:27017/x",
        "source.manifest=a:b@c.csv",
        "store.uri=env:LIKERANK_MONGODB_URI",
    ],
)
def test_what_holds_no_password_passes(argument: str) -> None:
    refuse_passwords_in([argument])


@pytest.mark.parametrize("mode", [[], ["-m"]])
@pytest.mark.parametrize("place", ["override", "file"])
def test_a_planted_password_is_in_no_file_and_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: list[str], place: str
) -> None:
    uri = f"mongodb://me:{PLANTED}@127.0.0.1:9/likerank"
    arguments = [f"store.uri={uri}"]
    if place == "file":
        (tmp_path / "conf" / "store").mkdir(parents=True)
        (tmp_path / "conf" / "store" / "mine.yaml").write_text(f"uri: {uri}\ndatabase: likerank\n")
        arguments = ["store=mine", f"hydra.searchpath=[file://{tmp_path / 'conf'}]"]
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    ran = call_script([str(ROOT / "scripts" / "ingest.py"), "source=demo", *arguments, *mode], tmp_path)
    assert ran.returncode == 1
    assert PLANTED not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert "LIKERANK_MONGODB_URI" in ran.stderr
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file.parent.name != "store"]
    assert not [file for file in written if PLANTED in file.read_text(errors="replace")]


@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_a_password_that_the_environment_gives_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: list[str]
) -> None:
    monkeypatch.setenv("ADDRESS", f"http://me:{PLANTED}@127.0.0.1:9")
    ran = call_script(
        [str(ROOT / "scripts" / "train.py"), "tracking=server", "tracking.uri=${oc.env:ADDRESS}", *mode],
        tmp_path,
    )
    assert ran.returncode == 1
    assert "The configuration's tracking.uri holds a password" in ran.stderr
    assert PLANTED not in ran.stdout + ran.stderr
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and PLANTED in file.read_text()]


def test_what_the_environment_gives_is_kept_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", PLANTED)
    config = OmegaConf.create(
        {"logger": {"key": "${oc.env:KEY}", "again": "${logger.key}-x"}, "a": "${b}", "b": 2, "c": "plain"}
    )
    assert from_environment(config) == {"logger.key": "${oc.env:KEY}", "logger.again": "${logger.key}-x"}
