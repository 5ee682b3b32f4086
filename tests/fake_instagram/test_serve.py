"""The fake Instagram as a command: Instaloader reaches it by the printed lines."""

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import instaloader
import pytest

from tests.scripts_called import call_script

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "serve_fake_instagram.py"


def command(folder: Path, *overrides: str) -> list[str]:
    paths = [f"paths.data={folder / 'data'}", f"paths.mlruns={folder / 'mlruns'}"]
    return [sys.executable, str(SCRIPT), *paths, "site.posts=60", "site.authors=2", *overrides]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    overrides = (
        "site.day=3",
        "site.events=[{kind: renamed, account: misty_fjord, day: 2, name: misty_two}]",
        "fault_rules=[{kind: checkpoint_required, on: post, after: 1}]",
    )
    with subprocess.Popen(command(tmp_path, *overrides), stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.slow
def test_instaloader_reaches_it_by_the_printed_lines(
    served: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        said += served.stdout.readline()
    for name, value in re.findall(r"export (\w+)=(.*)", said):
        monkeypatch.setenv(name, "".join(shlex.split(value)))
    found = re.search(r"--login (\w+) --sessionfile (\S+) (\w+)", said)
    assert found
    user, session, account = found.groups()
    listed = (tmp_path / "data" / "fake_instagram" / "accounts.txt").read_text().splitlines()
    assert listed[1:] == [account, "golden_ridge"]
    assert account == "misty_two"
    with instaloader.Instaloader(sleep=False, quiet=True, iphone_support=False) as loader:
        loader.load_session_from_file(user, session)
        assert loader.test_login() == user
        posts = list(instaloader.Profile.from_username(loader.context, account).get_posts())
        assert len(posts) > 12
        instaloader.Post.from_shortcode(loader.context, posts[0].shortcode)
        with pytest.raises(instaloader.AbortDownloadException, match="checkpoint_required"):
            instaloader.Post.from_shortcode(loader.context, posts[0].shortcode)
    served.send_signal(signal.SIGINT)
    rest, _ = served.communicate()
    assert served.returncode == 0
    assert "timeline" in rest


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("fault_rules=[{kind: 429, afte: 20}]", "fault_rules has no key afte; its keys are kind, after"),
        ("fault_rules=[{kind: sulk}]", "cannot have the kind 'sulk'"),
        ("site.start=yesterday", "site.start is 'yesterday'"),
    ],
)
def test_a_user_error_is_one_sentence(override: str, said: str, tmp_path: Path) -> None:
    ran = call_script(command(tmp_path, override)[1:], tmp_path)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
