"""The house from outside: no registry addresses, the right files, a version told once."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from spasmlab import __version__

ROOT = Path(__file__).parent.parent
LOCK_LIKE = re.compile(
    r"(constraints|requirements).*\.txt$|\.lock$|^pylock.*\.toml$|\.pre-commit-config\.yaml$|package-lock\.json$"
)
ADDRESS = re.compile(r"https?://|git\+|index-url|find-links|registry", re.IGNORECASE)
MOST_BYTES = 5_000_000


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: LOCK-LIKE FILES ARE NOT CHECKED")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_lock_like_files_hold_no_addresses():
    found = [file for file in tracked() if LOCK_LIKE.search(file.name)]
    assert ROOT / "constraints.txt" in found
    for file in found:
        lines = [line for line in file.read_text().splitlines() if ADDRESS.search(line)]
        assert lines == [], f"{file.name}: {lines[:3]}"


def test_the_locks_that_hold_addresses_are_not_tracked():
    assert not {"uv.lock", "pylock.toml"} & {file.name for file in tracked()}


def test_no_file_is_large_or_names_a_place_on_the_machine_it_was_made_on():
    places = re.compile(r"(?<![\w.])/(?:work|root|home)/\w")
    for file in tracked():
        assert file.stat().st_size < MOST_BYTES, file
        if (
            file.suffix in {".py", ".toml", ".md", ".txt", ".csv", ".yaml", ".cff", ".svg", ".html"}
            or file.name == "Makefile"
        ):
            assert not places.search(file.read_text(encoding="utf-8")), file


def test_every_dependency_is_pinned_for_every_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    names = {re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    pinned = {
        line.split("==")[0].split("[")[0]
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert names <= pinned


def test_the_version_is_told_once():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_readme_shows_its_picture_and_two_commands_first():
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:30])
    assert "make run" in first_screen and "make test" in first_screen and "docs/picture.svg" in first_screen
    assert (ROOT / "docs" / "picture.svg").is_file()


def test_data_and_pages_travel_with_the_package():
    from spasmlab.parameter import PACKAGE

    for name in ("report/page.html", "report/page.css", "run.toml", "data/drugs/gabapentin.toml"):
        assert (PACKAGE / name).is_file()
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    assert {"*.toml", "*.csv", "*.html", "*.css"} <= set(patterns)
