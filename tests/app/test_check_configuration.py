"""A key that nothing reads is refused wherever it stands; null takes away only what can be done without."""

from pathlib import Path

import pytest
from omegaconf.errors import MissingMandatoryValue

from likerank.app.compose import command_configuration, follow_environment
from likerank.app.sentences import sentence_of
from likerank.errors import LikerankError


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+sed=3", "Nothing reads the key sed; is seed meant"),
        ("+snapshot.balanse=none", "is snapshot.balance meant"),
        ("network=null", "network cannot be none; choose one"),
        ("~optimizer", "optimizer cannot be none"),
        (f"+{'x' * 9000}=1", "Nothing reads the key x{60}; "),
        ("+=x", "'\\+=x' names no key; write KEY=VALUE"),
        ("=x", "names no key"),
        ("~", "names no key"),
        ("++ =3", "names no key"),
        ("", "names no key"),
        ("max_epochs 3", "has no value; write KEY=VALUE"),
        ("max_epochs", "has no value; write KEY=VALUE"),
        ("trainer.max_epochs=three", "trainer.max_epochs is 'three'; it must be a number, such as 12"),
        ("optimizer.lr=fast", "optimizer.lr is 'fast'; it must be a number"),
        ("figures=maybe", "figures is 'maybe'; it must be true or false"),
        ("++hydra.sweeper.params.network.dropout=null", "Hydra cannot apply these overrides"),
    ],
)
def test_an_override_without_effect_is_refused(override: str, message: str) -> None:
    with pytest.raises(LikerankError, match=message):
        command_configuration("train", [override])


@pytest.mark.parametrize(
    "override",
    [
        "trainer.devices=auto",
        "snapshot.balance=20",
        "snapshot.balance=none",
        "scheduler=null",
        "+trainer.gradient_clip_val=0.5",
        "+callbacks.mine._target_=a.b.C",
        "~scheduler",
    ],
)
def test_what_is_read_is_taken(override: str) -> None:
    command_configuration("train", [override])


def test_a_key_that_must_be_given_is_named_with_what_it_takes() -> None:
    config = command_configuration("rank", [])
    with pytest.raises(MissingMandatoryValue) as error:
        _ = config.photos
    sentence = sentence_of(error.value, "rank") or ""
    assert sentence.startswith("photos is missing; give it by photos=... (paths: a folder")


def test_a_wrong_key_of_the_users_yaml_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKERANK_CONF", str(tmp_path))
    follow_environment()
    (tmp_path / "local.yaml").write_text("sed: 3\n")
    with pytest.raises(LikerankError, match="key sed; is seed meant"):
        command_configuration("train")
    (tmp_path / "local.yaml").write_text("trainer:\n  max_epochs: 3\npaths:\n  data: elsewhere\n")
    assert command_configuration("export", ["folder=x"]).paths.data == "elsewhere"


def test_a_number_of_yaml_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKERANK_CONF", str(tmp_path))
    follow_environment()
    (tmp_path / "local.yaml").write_text("paths:\n  data: 2024_05_31\n")
    with pytest.raises(LikerankError, match=r"paths\.data is read as 20240531, which is no text"):
        command_configuration("train")
