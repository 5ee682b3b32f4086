"""The collector's state survives damage: what cannot be read is collected again."""

from pathlib import Path

import pytest

from likerank.collecting.state import STATE_FOLDER, CollectState


@pytest.mark.parametrize("content", [b"profile-id = 55\n\0\0", b"[anna]\nprofile-id"])
def test_damaged_stamps_are_set_aside(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / STATE_FOLDER).mkdir()
    file = tmp_path / STATE_FOLDER / "stamps.ini"
    file.write_bytes(content)
    state = CollectState(tmp_path)
    assert state.id_of("anna") is None
    assert "stamps.ini is damaged (kept as stamps.damaged)" in capsys.readouterr().out
    assert file.with_name("stamps.damaged").is_file()
    state.note_name("anna", "anna", 55)
    assert CollectState(tmp_path).id_of("anna") == 55
