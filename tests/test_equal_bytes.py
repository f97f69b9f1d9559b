"""The same text has the same answer, to the last bit of its score, alone and in any company: docs/equal-bytes.md."""

import random
import threading
import time
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import pytest
from challenge import CHALLENGE

from benchmarks.sentences import sentences
from inference.checkpoint import open_checkpoint
from inference.decoding import Hypothesis
from inference.pools import TranslationPool
from inference.predictors import SentimentPredictor, TranslationPredictor
from service.batching import Batcher

ROOT = Path(__file__).parent.parent
TEXTS = [line[0] for lines in CHALLENGE.values() for line in lines]
MANY = [*TEXTS, *sentences()[:1800]]


@pytest.fixture(scope="module")
def translator() -> TranslationPredictor:
    return TranslationPredictor(open_checkpoint(ROOT / "checkpoints" / "translation-en-vi", "translation"))


@pytest.fixture(scope="module")
def classifier() -> SentimentPredictor:
    return SentimentPredictor.load(ROOT / "checkpoints" / "sentiment-en-vi")


def found(
    translator: TranslationPredictor, texts: Sequence[str], beam_size: int | None, alternatives: int, rows: int
) -> list[list[Hypothesis]]:
    """The hypotheses of each text, with their scores, where `rows` share a step; sentence by sentence, as which of a
    text's ends first is left to its company.
    """
    pool, jobs, hypotheses = TranslationPool(translator.graph, rows, 10**6), [], []
    for text in texts:
        job = translator.job([text], beam_size, alternatives)
        ends: list[tuple[str, Sequence[Hypothesis]]] = []
        job.end = lambda sentence, got, end=job.end, ends=ends: (  # type: ignore
            ends.append((sentence.marked.text, got)),
            end(sentence, got),
        )
        jobs.append(job)
        hypotheses.append(ends)
        pool.add(job)
    while pool.busy:
        pool.step()
    assert not any(job.error for job in jobs)
    return [[h for _, got in sorted(ends, key=itemgetter(0)) for h in got] for ends in hypotheses]


@pytest.mark.parametrize(
    ("beam_size", "alternatives", "texts"), [(None, 0, MANY), (1, 0, MANY[::2]), (5, 4, MANY[::8])]
)
def test_translations_do_not_depend_on_their_batch(
    translator: TranslationPredictor, beam_size: int | None, alternatives: int, texts: list[str]
) -> None:
    alone = found(translator, texts, beam_size, alternatives, 1)
    assert sum(map(len, alone)) >= len(texts) * 0.8 * (1 + alternatives)
    for seed, rows in ((1, 16), (2, 40)):
        order = random.Random(seed).sample(range(len(texts)), len(texts))
        together = found(translator, [texts[i] for i in order], beam_size, alternatives, rows)
        assert together == [alone[i] for i in order]


@pytest.mark.parametrize("beam_size", [None, 1, 5])
def test_answers_do_not_depend_on_who_asks_at_the_same_time(
    translator: TranslationPredictor, classifier: SentimentPredictor, beam_size: int | None
) -> None:
    translations = [translator.predict([text], beam_size) for text in TEXTS]
    sentiments = [classifier.predict([text]) for text in TEXTS]
    pools = translator.pool(), classifier.pool()
    batcher = Batcher(pools, max_jobs=100, max_cost=10**6)
    wrong = []

    def client(number: int) -> None:
        for i in random.Random(number).sample(range(len(TEXTS)), 40):
            translated, classified = translator.job([TEXTS[i]], beam_size), classifier.job([TEXTS[i]])
            for pool, job in zip(pools, (translated, classified), strict=True):
                batcher.submit(pool, job, 1, time.monotonic() + 60).wait(lambda: True)
            if (translator.results(translated), classifier.results(classified)) != (translations[i], sentiments[i]):
                wrong.append(TEXTS[i])

    clients = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    batcher.close()
    assert not wrong


def test_sentiments_do_not_depend_on_their_batch(classifier: SentimentPredictor) -> None:
    alone = [classifier.predict([text])[0] for text in TEXTS]
    order = random.Random(1).sample(range(len(TEXTS)), len(TEXTS))
    assert classifier.predict([TEXTS[i] for i in order]) == [alone[i] for i in order]
