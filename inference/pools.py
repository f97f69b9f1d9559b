"""Pools: jobs of many callers run together, all in turn; sentences join and leave between the steps of a model."""

from abc import ABC, abstractmethod
from collections import deque
from typing import Generic, TypeVar

from inference.decoding import Decoder, Search
from inference.engine import SentimentGraph, TranslationGraph
from inference.jobs import Job, SentimentJob, TranslationJob
from inference.sentences import Sentence

AnyJob = TypeVar("AnyJob", bound=Job)


class Pool(ABC, Generic[AnyJob]):
    """Runs jobs together. What one job meets with, an error or its being dropped, no other job feels."""

    task: str

    def __init__(self) -> None:
        self.rows = 0
        """What the last step was shared by: hypotheses, or one text."""
        self._jobs: deque[AnyJob] = deque()
        """In the order of their turns."""

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._jobs)

    def add(self, job: AnyJob) -> None:
        """Run a job too, from the next step on."""
        self._jobs.append(job)

    def drop(self, job: AnyJob) -> None:
        """Give a job up."""
        self._jobs.remove(job)

    @abstractmethod
    def step(self) -> list[AnyJob]:
        """Do a few milliseconds' work; returns the jobs that have ended, with a result or an error, and leave."""


class TranslationPool(Pool[TranslationJob]):
    """Sentences of all jobs share each decoder step, and join and leave between steps: continuous batching (Yu et al.
    2022, Orca, section 3.1).
    """

    task = "translation"

    def __init__(self, graph: TranslationGraph, rows: int, tokens: int, reserve: int = 0) -> None:
        """At most so many hypotheses, and padded tokens of their sources, share a step when a sentence joins, of which
        all that its beam has room for count; those under way may branch later. One sentence always may join.

        `reserve` of the rows are for jobs of which no sentence is under way, so that a short job need not wait for a
        long one's sentences.
        """
        super().__init__()
        self._graph, self._rows, self._tokens, self._reserve = graph, rows, tokens, reserve
        self._decoder = Decoder(graph.step, graph.gathering())
        self._running: dict[Search, tuple[TranslationJob, Sentence]] = {}
        self._linking: deque[TranslationJob] = deque()
        """Jobs that have sentences to be linked, in the order of their turns."""

    def drop(self, job: TranslationJob) -> None:
        """See `Pool`."""
        super().drop(job)
        if job in self._linking:
            self._linking.remove(job)
        searches = {search for search, (owner, _) in self._running.items() if owner is job}
        self._decoder.drop(searches)
        for search in searches:
            del self._running[search]

    def step(self) -> list[TranslationJob]:
        """See `Pool`."""
        self._admit()
        self.rows = self._decoder.rows
        if self._running:
            try:
                ended = self._decoder.step()
            except Exception as error:  # ONNX Runtime's errors have no base of their own
                for job, _ in self._running.values():
                    job.error = error
                ended = []
            for search in ended:
                job, sentence = self._running.pop(search)
                job.error = job.error or search.error
                if not job.error:
                    try:
                        job.end(sentence, search.result())
                    except Exception as error:  # of a faulty checkpoint, say: it is this job's
                        job.error = error
                if job.linking and not job.error and job not in self._linking:
                    self._linking.append(job)
        if self._linking:
            self._link(self._linking.popleft())
        done = [job for job in self._jobs if job.error or job.finished]
        for job in done:
            self.drop(job)
        return done

    def _link(self, job: TranslationJob) -> None:
        """A piece of a job's linking; then it is the others' turn."""
        try:
            job.advance(self._graph)
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            job.error = error
        if job.linking and not job.error:
            self._linking.append(job)

    def _admit(self) -> None:
        """Let sentences join, one of each job in turn, while there is room."""
        rows = self._decoder.rows
        longest = max((len(sentence.ids) for _, sentence in self._running.values()), default=0)
        served = {job for job, _ in self._running.values()}
        # Newcomers first: theirs is the reserve. A step must not wait for many sentences to be encoded either.
        turns = sorted((job for job in self._jobs if job.waiting), key=served.__contains__)
        waiting, joined = deque(turns), 0
        while waiting and joined < _JOINS:
            job = waiting.popleft()
            size, length = job.waiting[0].beam_size, len(job.waiting[0].ids)
            most = self._rows - (self._reserve if job in served else 0)
            full = rows + size > most or (rows + size) * max(longest, length) > self._tokens
            if full and self._running:
                break
            sentence, search = job.begin()
            try:
                self._decoder.join(search, self._graph.encode(sentence.ids))
            except Exception as error:  # ONNX Runtime's errors have no base of their own
                job.error = error
                continue
            self._running[search] = (job, sentence)
            rows, longest, joined = rows + size, max(longest, length), joined + 1
            served.add(job)
            self._jobs.remove(job)
            self._jobs.append(job)
            if job.waiting:
                waiting.append(job)


_JOINS = 4
"""Sentences that are encoded before a step."""


class SentimentPool(Pool[SentimentJob]):
    """Windows are classified one by one: beside others, the scales of an int8 LSTM would depend on them."""

    task = "sentiment"

    def __init__(self, graph: SentimentGraph) -> None:
        super().__init__()
        self._graph = graph

    def step(self) -> list[SentimentJob]:
        """See `Pool`."""
        job = self._jobs.popleft()
        self.rows = 1
        try:
            if not job.finished:
                job.advance(self._graph)
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            job.error = error
        if job.error or job.finished:
            return [job]
        self._jobs.append(job)
        return []
