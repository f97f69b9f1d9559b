"""`python tests/challenge.py [CHECKPOINT]`: what the translator gets right of `tests/challenge.toml`, kind by kind."""

import re
import sys
import tomllib
import unicodedata
from pathlib import Path

from inference.predictors import TranslationPredictor
from training.data import key
from training.phrases import SHIPPED, filled

ROOT = Path(__file__).resolve().parent.parent
CHALLENGE: dict[str, list[list[str]]] = tomllib.loads((ROOT / "tests" / "challenge.toml").read_text(encoding="utf-8"))
_LOOP = re.compile(r"(\w+(?:\W+\w+){0,5})(?:\W+\1\b){2,}")
"""One to six words, three times over."""


def faults(source: str, output: str, expected: list[str]) -> list[str]:
    """What is wrong with a translation: of what its line in the challenge asks, and of what holds for every line."""
    text = unicodedata.normalize("NFC", output).lower()
    found = []
    for pattern in expected:
        wanted = not pattern.startswith("!")
        if bool(re.search(pattern.removeprefix("!"), text)) != wanted:
            found.append(pattern)
    if _LOOP.search(text) and not _LOOP.search(source.lower()):
        found.append("a loop")
    read, said = len(source.split()), len(output.split())
    # A Vietnamese sentence has about 1.3 times as many blanks as its English one.
    if read >= 4 and not 0.65 <= said / read <= 3:
        found.append(f"{said} words for {read}")
    if re.search(r"\w\?$", source) and not text.endswith("?"):
        found.append("no question mark")
    if output.count("\n") != source.count("\n"):
        found.append("lines")
    return found


def judge(predictor: TranslationPredictor, lines: list[list[str]]) -> list[tuple[str, str, list[str]]]:
    """Source, translation and faults of each line that has any."""
    outputs = [result.text for result in predictor.predict([line[0] for line in lines])]
    judged = [(line[0], output, faults(line[0], output, line[1:])) for line, output in zip(lines, outputs, strict=True)]
    return [each for each in judged if each[2]]


def taught() -> set[bytes]:
    """The keys of the English phrases that are written out for training: a line among them is learnt, not found."""
    files = [path.name for path in SHIPPED.glob("*.toml") if path.stem != "held-out"]
    return {key(pair["en"]) for name in files for _, pair in filled(SHIPPED, name)}


def main() -> None:
    """Print every fault, then the share of lines without one: of all, and of those that are no phrase of training."""
    checkpoint = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "checkpoints" / "translation-en-vi"
    predictor = TranslationPredictor.load(checkpoint)
    faulty: set[str] = set()
    for kind, lines in CHALLENGE.items():
        wrong = judge(predictor, lines)
        for source, output, found in wrong:
            print(f"  {source!r} -> {output!r}: {'; '.join(found)}")
        print(f"{kind}: {len(lines) - len(wrong)} of {len(lines)}")
        faulty |= {source for source, *_ in wrong}
    sources = [line[0] for lines in CHALLENGE.values() for line in lines]
    known = taught()
    new = [source for source in sources if key(source) not in known]
    for name, some in (("all", sources), ("those that are no phrase of training", new)):
        right = sum(source not in faulty for source in some)
        print(f"{name}: {right} of {len(some)}, {100 * right / len(some):.1f} %")


if __name__ == "__main__":
    main()
