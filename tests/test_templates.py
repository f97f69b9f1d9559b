"""Texts made of templates, and those that ship."""

import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

from training.corpora import Corpus, read
from training.data import key
from training.errors import InputError
from training.templates import SHIPPED

FILE = """
good = ["{what} is {how}", "fine"]
bad = ["{what} is not {how}"]

[words]
what = ["tea", "rice"]
how = ["warm"]
"""


def texts(name: str, root: Path) -> list[tuple[str, ...]]:
    return [row for _, row in read(Corpus(templates=name), ("text", "label"), root)]


def test_templates_are_filled_with_words_of_their_lists(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(FILE, encoding="utf-8")
    found = texts("a.toml", tmp_path)
    good = {("tea is warm", "good"), ("rice is warm", "good"), ("fine", "good")}
    assert set(found) == good | {("tea is not warm", "bad"), ("rice is not warm", "bad")}
    assert found == texts(str(tmp_path / "a.toml"), ROOT)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (FILE.replace("how =", "hwo ="), r"'\{what\} is \{how\}' wants words of how: list them below \[words\]"),
        (FILE.replace('how = ["warm"]', "how = []"), "wants words of how"),
        (FILE.replace("good = [", "good = ["[:-1] + "3 #"), "good: Input should be a valid list"),
        (FILE.replace('"tea"', '"a {cup}"'), r"'a \{cup\}' stands among the words, which are not filled in"),
        ("[", "is not a TOML file"),
        (None, "cannot read the templates .*a.toml: No such file"),
    ],
)
def test_what_is_no_file_of_templates_is_refused(tmp_path: Path, file: str | None, message: str) -> None:
    if file is not None:
        (tmp_path / "a.toml").write_text(file, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        texts("a.toml", tmp_path)


def test_the_shipped_templates_are_not_of_the_challenge() -> None:
    challenge = tomllib.loads((ROOT / "tests" / "sentiment_challenge.toml").read_text(encoding="utf-8"))
    asked = {key(text) for lines in challenge.values() for text, _ in lines}
    for path in SHIPPED.glob("*.toml"):
        found = texts(path.name, ROOT)
        assert len(found) > 1000
        labels: dict[str, set[str]] = {}
        for text, label in found:
            labels.setdefault(key(text), set()).add(label)
        assert [text for text, of in labels.items() if len(of) > 1] == []
        assert not asked & set(labels)
