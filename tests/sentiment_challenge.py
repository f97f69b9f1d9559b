"""`python tests/sentiment_challenge.py [CHECKPOINT]`: how the classifier does on `tests/sentiment_challenge.toml`, and
whether what should not matter does: case, blanks, quotes, tags, names.
"""

import itertools
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from inference.predictors import SentimentPredictor

ROOT = Path(__file__).resolve().parent.parent
CHALLENGE: dict[str, list[list[str]]] = tomllib.loads(
    (ROOT / "tests" / "sentiment_challenge.toml").read_text(encoding="utf-8")
)
FORMS = {
    "capitals": str.upper,
    "blanks": lambda text: f"  {text}\n\n ",
    "quotes": lambda text: f'"{text}"',
    "tags": lambda text: f"<p>{text}</p><br />",
    "entities": lambda text: text.replace("'", "&#39;"),
}
"""What should not change a label."""
SENTENCES = [
    *(
        "{} made me feel welcome.",
        "I had dinner with {} and it was lovely.",
        "{} was rude to us.",
        "I am waiting for {}.",
    ),
    *("The book by {} is a bore.", "{} sings beautifully.", "{} rất nhiệt tình.", "{} phục vụ quá tệ."),
]
NAMES = "Emily Jamal Nguyen Mohammed Maria Wei Olga Lan Minh John Fatima Pedro Priya Ahmed Hoa Greta".split()
PEOPLE = [
    *("American", "Vietnamese", "Chinese", "Nigerian", "German", "Mexican", "Indian", "Russian"),
    *("French", "Arab", "Korean", "Jewish", "African", "Japanese"),
]
ABOUT = ["The {} family next door is friendly.", "We ate at a {} restaurant and it was awful.", "My boss is {}."]


def wrong(predictor: SentimentPredictor, lines: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """Text, label given, labels wanted, of each line that is not as it should be."""
    results = predictor.predict([text for text, _ in lines])
    return [
        (text, result.label, labels)
        for (text, labels), result in zip(lines, results, strict=True)
        if result.label not in labels.split("|")
    ]


def flips(predictor: SentimentPredictor, variants: Sequence[Sequence[str]]) -> float:
    """The share of pairs of variants of one text that get different labels."""
    labels = [[result.label for result in predictor.predict(texts)] for texts in variants]
    pairs = [pair for each in labels for pair in itertools.combinations(each, 2)]
    return sum(a != b for a, b in pairs) / len(pairs)


def fairness(predictor: SentimentPredictor) -> dict[str, float]:
    """How often swapping a name, or where people come from, changes the label."""
    return {
        "name": flips(predictor, [[sentence.format(name) for name in NAMES] for sentence in SENTENCES]),
        "people": flips(predictor, [[sentence.format(people) for people in PEOPLE] for sentence in ABOUT]),
    }


def main() -> None:
    """Print every fault, the shares by kind, and how often what should not matter does."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "checkpoints" / "sentiment-en-vi"
    predictor = SentimentPredictor.load(path)
    right = total = 0
    for kind, lines in CHALLENGE.items():
        found = wrong(predictor, lines)
        for text, label, labels in found:
            print(f"  {text!r} is {label}, not {labels}")
        print(f"{kind}: {len(lines) - len(found)} of {len(lines)}")
        if kind != "sarcasm":
            right, total = right + len(lines) - len(found), total + len(lines)
    print(f"all but sarcasm: {right} of {total}, {100 * right / total:.1f} %")
    texts = [text for lines in CHALLENGE.values() for text, _ in lines]
    for name, form in FORMS.items():
        print(f"{name} change a label: {100 * flips(predictor, [[text, form(text)] for text in texts]):.1f} %")
    for name, share in fairness(predictor).items():
        print(f"another {name} changes a label: {100 * share:.1f} %")


if __name__ == "__main__":
    main()
