"""Pairs of phrases made of templates, and those that ship."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

from training.corpora import Corpus, read
from training.data import CleanConfig, pair_fault
from training.errors import InputError
from training.phrases import SHIPPED

FILE = '''
languages = ["en", "vi"]
phrases = """
{who} has a {animal}. | {who} có một {animal}.
A {animal} and a {animal2} | Một {animal} và một {animal2}
Good luck! | Chúc may mắn!
"""

[words]
who = "my friend | bạn tôi"
animal = "owl | con cú; cat | con mèo"
'''


def pairs(path: Path) -> list[tuple[str, ...]]:
    corpus = Corpus(phrases=str(path), columns={"source": "en", "target": "vi"})
    return [row for _, row in read(corpus, ("source", "target", "origin"), ROOT)]


def test_phrases_are_filled_alike_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(FILE, encoding="utf-8")
    found = pairs(path)
    assert set(found) == {
        ("My friend has an owl.", "Bạn tôi có một con cú.", "filled"),
        ("My friend has a cat.", "Bạn tôi có một con mèo.", "filled"),
        ("An owl and a cat", "Một con cú và một con mèo", "filled"),
        ("A cat and an owl", "Một con mèo và một con cú", "filled"),
        ("Good luck!", "Chúc may mắn!", "fixed"),
    }
    assert found == pairs(path)
    assert len(found) == len(set(found))
    path.write_text(f"each = 1\n{FILE}", encoding="utf-8")
    assert len(pairs(path)) == 3


def test_several_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    files = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for path, pair in zip(files, ("One. | Một.", "Two. | Hai."), strict=True):
        path.write_text(f'languages = ["en", "vi"]\nphrases = "{pair}"', encoding="utf-8")
    corpus = Corpus(phrases=tuple(map(str, files)), columns={"source": "en", "target": "vi"})
    found = list(read(corpus, ("source", "target"), ROOT))
    assert [row for _, row in found] == [("One.", "Một."), ("Two.", "Hai.")]
    assert [place for place, _ in found] == [f"{path}, row 1" for path in files]
    assert str(corpus) == " + ".join(map(str, files))


def test_two_words_are_two_on_both_sides_and_articles_are_as_they_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    words = (
        "big | to; large | to; unit | đơn vị; hour | giờ; user | người dùng; A level | cấp A; one-eyed owl | cú một mắt"
    )
    path.write_text(
        'languages = ["vi", "en"]\nphrases = """một {x} và một {x2} | a {x} and a {x2}"""\n[words]\nx = "'
        + "; ".join(" | ".join(reversed(pair.split(" | "))) for pair in words.split("; "))
        + '"\n',
        encoding="utf-8",
    )
    corpus = Corpus(phrases=str(path), columns={"source": "en", "target": "vi"})
    sources = " ".join(row[0] for _, row in read(corpus, ("source", "target"), ROOT))
    assert "a big and a large" not in sources
    assert set(re.findall(r"\ban? \S+", sources)) == {
        "a big",
        "a large",
        "a unit",
        "an hour",
        "a user",
        "a A",
        "a one-eyed",
    }


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (
            FILE.replace("who =", "whom ="),
            r"'\{who\} has a \{animal\}\.' wants words of who: list them below \[words\]",
        ),
        (FILE.replace("và một {animal2}", ""), "are not filled alike: give both the same words"),
        (FILE.replace("| Chúc may mắn!", ""), "'Good luck!' is no pair: write `one | other`"),
        (FILE.replace("owl | con cú", "owl"), "'owl' is no pair"),
        (FILE.replace("phrases =", "phrase ="), "phrases: Field required"),
        (FILE.replace("owl | con cú;", "owl | con cú;;"), "a.toml, animal: '' is no pair"),
        (FILE.replace('["en", "vi"]', '["en"]'), r"languages are \['en'\]: give the codes of two"),
        (FILE.replace('["en", "vi"]', '["en", "en"]'), "give the codes of two"),
        (FILE.replace('["en", "vi"]', '["en", "origin"]'), "give the codes of two"),
        (FILE.replace("Good luck! |", "Good luck, {Name}! |"), "a list's name has small letters"),
        ("[", "is not a TOML file"),
        (None, "cannot read the phrases .*a.toml: No such file"),
    ],
)
def test_what_is_no_file_of_phrases_is_refused(tmp_path: Path, file: str | None, message: str) -> None:
    if file is not None:
        (tmp_path / "a.toml").write_text(file, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        pairs(tmp_path / "a.toml")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_the_shipped_phrases_are_whole_and_fit_to_train_on(path: Path) -> None:
    found = pairs(path)
    assert len(found) > 300
    for source, target, _ in found:
        assert pair_fault(source, target, CleanConfig(), "en") is None, (source, target)
        assert not re.search(r"[{}|]|  |\ba (?!uni|us|one|once|eu|ubi)[aeiou]", source), source
        assert not re.search(r"[{}|]|  ", target), target
        assert source[-1] == target[-1] or source[-1] not in ".?!" or target[-1] in '.?!"', (source, target)
    # A sentence is said in one way: what is learnt is not a toss.
    ways: dict[str, set[str]] = {}
    for source, target, _ in found:
        ways.setdefault(source, set()).add(target)
    ambiguous = {source for source, targets in ways.items() if len(targets) > 1}
    assert len(ambiguous) < 0.01 * len(ways), sorted(ambiguous)[:20]
