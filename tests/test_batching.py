"""The batcher on pools whose jobs end when the test says so: bounds, deadlines, clients that go, faults, the end."""

import threading
import time
from collections.abc import Iterator

import pytest
from copying import as_graph, copying

from inference.jobs import Job, TranslationJob
from inference.pools import Pool, TranslationPool
from service.batching import Batcher, GoneError, OverloadedError, Ticket


class Waiting(Job):
    """A job that ends when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.told = threading.Event()


class WaitingPool(Pool[Waiting]):
    task = "waiting"

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Waiting] = []

    def step(self) -> list[Waiting]:
        time.sleep(0.001)
        for job in self._jobs:
            job.steps += 1
        ended = [job for job in self._jobs if job.told.is_set()]
        for job in ended:
            self.drop(job)
        return ended


LATER = 60.0


@pytest.fixture
def pool() -> WaitingPool:
    return WaitingPool()


@pytest.fixture
def batcher(pool: WaitingPool) -> Iterator[Batcher]:
    batcher = Batcher([pool], max_jobs=3, max_cost=100)
    yield batcher
    for job in pool.made:
        job.told.set()
    batcher.close()
    assert not batcher.alive


def submit(batcher: Batcher, pool: WaitingPool, cost: int = 1, seconds: float = LATER) -> tuple[Waiting, Ticket]:
    job = Waiting()
    pool.made.append(job)
    return job, batcher.submit(pool, job, cost, time.monotonic() + seconds)


def test_a_job_ends_for_who_waits_for_it(batcher: Batcher, pool: WaitingPool) -> None:
    (first, one), (second, two) = submit(batcher, pool), submit(batcher, pool)
    second.told.set()
    two.wait(lambda: True)
    assert not one.ended.is_set()
    first.told.set()
    one.wait(lambda: True)


@pytest.mark.parametrize("costs", [(1, 1, 1), (60, 40), (500,)])
def test_what_is_too_much_is_refused_at_once(batcher: Batcher, pool: WaitingPool, costs: tuple[int, ...]) -> None:
    jobs = [submit(batcher, pool, cost) for cost in costs]
    start = time.perf_counter()
    with pytest.raises(OverloadedError, match=rf"{len(costs)} requests with {sum(costs)} tokens"):
        submit(batcher, pool)
    assert time.perf_counter() - start < 0.05
    job, ticket = jobs[0]
    job.told.set()
    ticket.wait(lambda: True)
    submit(batcher, pool)


def test_a_deadline_ends_a_job_and_no_other(batcher: Batcher, pool: WaitingPool) -> None:
    stays, other = submit(batcher, pool)
    late, ticket = submit(batcher, pool, seconds=0.2)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ticket.wait(lambda: True)
    assert time.monotonic() - start < 0.4
    steps = late.steps
    time.sleep(0.05)
    assert late.steps == steps
    stays.told.set()
    other.wait(lambda: True)


def test_a_long_step_is_not_waited_for(batcher: Batcher, pool: WaitingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    step, go_on = pool.step, threading.Event()
    monkeypatch.setattr(pool, "step", lambda: go_on.wait(5) and step())
    _, ticket = submit(batcher, pool, seconds=0.1)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ticket.wait(lambda: True)
    assert time.monotonic() - start < 0.5
    go_on.set()
    assert ticket.ended.wait(1)


def test_work_for_a_client_that_went_is_dropped(batcher: Batcher, pool: WaitingPool) -> None:
    job, ticket = submit(batcher, pool)
    with pytest.raises(GoneError):
        ticket.wait(lambda: False)
    assert ticket.ended.wait(1)
    steps = job.steps
    time.sleep(0.05)
    assert job.steps == steps


def test_closing_ends_what_was_taken_and_takes_no_more(batcher: Batcher, pool: WaitingPool) -> None:
    job, ticket = submit(batcher, pool)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    time.sleep(0.05)
    with pytest.raises(OverloadedError, match="stopping"):
        submit(batcher, pool)
    assert batcher.alive
    job.told.set()
    ticket.wait(lambda: True)
    closing.join(1)
    assert not batcher.alive


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_ever_when_the_compute_thread_ends(pool: WaitingPool) -> None:
    told = threading.Event()
    batcher = Batcher([pool], max_jobs=3, max_cost=100, fail=told.set)
    _, ticket = submit(batcher, pool)
    pool.step = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(RuntimeError, match="compute thread"):
        ticket.wait(lambda: True)
    assert told.wait(1)
    batcher.close()
    assert not batcher.alive
    with pytest.raises(OverloadedError):
        submit(batcher, pool)


def test_every_answer_is_its_requests_own() -> None:
    languages, graph = copying()
    pool = TranslationPool(as_graph(graph), 8, 1000)
    batcher = Batcher([pool], max_jobs=1000, max_cost=10**6)
    wrong: list[str] = []

    def client(number: int) -> None:
        for turn in range(5):
            text = "\n".join(f"Line {i} of {number} and {turn}" for i in range(number % 4))
            job = TranslationJob(languages, [text], 1 + turn % 2, 0)
            batcher.submit(pool, job, len(text), time.monotonic() + LATER).wait(lambda: True)
            if job.result()[0].texts != [text]:
                wrong.append(text)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    batcher.close()
    assert not wrong
    assert max(graph.rows) > 4
