"""`python -m inference translate|sentiment < FILE`: predict the lines of standard input, without a server."""

import argparse
import itertools
import sys
from pathlib import Path

from inference.checkpoint import CheckpointError
from inference.predictors import SentimentPredictor, TranslationPredictor

DEFAULTS = {"translate": Path("checkpoints/translation-en-vi"), "sentiment": Path("checkpoints/sentiment-en")}
_LINES = 64
"""Lines that are predicted together."""


def main() -> int:
    """Write one line for each line read; 2 when the checkpoint or the input cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m inference", description=__doc__)
    parser.add_argument("task", choices=DEFAULTS)
    parser.add_argument("--checkpoint", type=Path, help="another checkpoint than the shipped one")
    parser.add_argument("--beam-size", type=int, help="for translate: more is better and slower")
    arguments = parser.parse_args()
    if arguments.task == "sentiment" and arguments.beam_size is not None:
        parser.error("--beam-size is for translate")
    path = arguments.checkpoint or DEFAULTS[arguments.task]
    try:
        if arguments.task == "translate":
            translator = TranslationPredictor.load(path)
            for lines in _chunks():
                for translation in translator.predict(lines, arguments.beam_size):
                    print(translation.text)
        else:
            classifier = SentimentPredictor.load(path)
            for lines in _chunks():
                for sentiment in classifier.predict(lines):
                    print(f"{sentiment.label}\t{sentiment.score:.4f}")
    except (CheckpointError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _chunks() -> "itertools.takewhile[list[str]]":
    lines = (_decoded(number, line) for number, line in enumerate(sys.stdin.buffer, start=1))
    return itertools.takewhile(bool, (list(itertools.islice(lines, _LINES)) for _ in itertools.count()))


def _decoded(number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError(f"line {number}: not UTF-8 ({error.reason} at byte {error.start})") from error


if __name__ == "__main__":
    sys.exit(main())
