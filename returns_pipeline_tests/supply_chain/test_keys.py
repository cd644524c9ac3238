"""A key that slips into a file, or into the history, is found; what is allowed is so by its own hash alone."""

import subprocess
from pathlib import Path

import pytest

from returns_pipeline_tests.supply_chain.allowed import AllowedSecret
from returns_pipeline_tests.supply_chain.keys import in_files, in_history

# Put together here, or this file would be found itself.
CLOUD, CHAT = "AKIA" + "QWERTYUIOPASDFGH", "xoxb-" + "123456789012-1234567890123-" + "a" * 24


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "settings.py").write_text(f'A = 1\nKEY = "{CLOUD}"\n')
    commit(tmp_path, "one")
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def test_a_key_in_a_file_is_told_with_its_place(repository):
    ((key,), _) = in_files(repository, [])
    assert (key.file, key.line, key.kind) == ("settings.py", 2, "AWS Access Key")
    assert CLOUD not in str(key)


def test_an_allowance_is_for_one_text_in_one_file(repository):
    ((key,), _) = in_files(repository, [])
    allowance = AllowedSecret("settings.py", key.sha1, "an example")
    assert in_files(repository, [allowance]) == ([], [])
    (repository / "settings.py").write_text(f'KEY = "{CHAT}"\n')
    (repository / "other.py").write_text(f'KEY = "{CLOUD}"\n')
    git(repository, "add", "--all")
    found, unneeded = in_files(repository, [allowance])
    assert {(each.file, each.kind) for each in found} == {
        ("settings.py", "Slack Token"),
        ("other.py", "AWS Access Key"),
    }
    assert unneeded == [allowance]


def test_a_key_that_was_taken_out_again_is_still_in_the_history(repository):
    (repository / "settings.py").write_text("A = 1\n")
    commit(repository, "two")
    assert in_files(repository, []) == ([], [])
    (key,) = in_history(repository, [])
    assert (key.file, key.kind) == ("settings.py", "AWS Access Key")
    assert in_history(repository, [AllowedSecret("settings.py", key.sha1, "an example")]) == []
