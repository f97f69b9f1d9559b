"""The batcher: one compute thread for all requests of a worker, with a bound on what waits, and deadlines."""

import time
from collections.abc import Callable, Sequence
from threading import Condition, Event, Thread
from typing import Any

from inference.jobs import Job
from inference.pools import Pool
from service.metrics import ROWS, STEPS, TOKENS, UNDER_WAY

_GLANCE = 0.1
"""Seconds between two looks at whether a client is still there."""


class OverloadedError(Exception):
    """There is too much under way to take more."""


class GoneError(Exception):
    """The client did not wait for its answer."""


def check_wanted(is_wanted: Callable[[], bool], until: float) -> None:
    """Raises GoneError when a result is not wanted any more, TimeoutError when the clock is past `until`."""
    if not is_wanted():
        raise GoneError("the client did not wait for its answer")
    if time.monotonic() >= until:
        raise TimeoutError(_LATE)


_LATE = "the time for this request is over"


class Ticket:
    """A job that was handed in: wait for its end."""

    def __init__(self, pool: Pool[Any], job: Job, cost: int, until: float) -> None:
        self.pool, self.job, self.cost, self.until = pool, job, cost, until
        self.dropped = False
        """Nobody wants the result any more."""
        self.ended = Event()

    def wait(self, is_wanted: Callable[[], bool]) -> None:
        """Return when the job has its result. Raises what it met with, TimeoutError past its deadline, and GoneError as
        soon as it is not wanted.
        """
        while not self.ended.wait(min(_GLANCE, max(0.0, self.until + _GLANCE - time.monotonic()))):
            try:
                # The compute thread drops what is late between two steps, but a step can be long.
                check_wanted(is_wanted, self.until + _GLANCE)
            except GoneError:
                self.dropped = True
                raise
        if self.job.error:
            raise self.job.error


class Batcher:
    """Runs jobs in the pools that they belong to; every pool has a step in turn.

    What is over its deadline, or not wanted, is dropped between steps.
    """

    def __init__(
        self, pools: Sequence[Pool[Any]], max_jobs: int, max_cost: int, fail: Callable[[], None] = lambda: None
    ) -> None:
        """Take at most so many jobs at a time, whose costs add up to so much; one job may cost more than that.

        `fail` is called when the compute thread ends of itself.
        """
        self._fail = fail
        self._pools, self._max_jobs, self._max_cost = pools, max_jobs, max_cost
        self._changed = Condition()
        # Of both threads, under the lock.
        self._incoming: list[Ticket] = []
        self._jobs, self._cost = 0, 0
        self._closed = False
        # Of the compute thread alone.
        self._live: dict[Job, Ticket] = {}
        self._thread = Thread(target=self._compute, name="compute", daemon=True)
        self._thread.start()

    def submit(self, pool: Pool[Any], job: Job, cost: int, until: float) -> Ticket:
        """Hand a job in, to be ended before the clock (`time.monotonic`) comes to `until`.

        Raises OverloadedError when there is too much under way, or the batcher is closed.
        """
        ticket = Ticket(pool, job, cost, until)
        with self._changed:
            if self._closed:
                raise OverloadedError("the service is stopping")
            self.check_room(cost)
            self._jobs += 1
            self._cost += cost
            UNDER_WAY.inc()
            TOKENS.labels(pool.task).inc(cost)
            self._incoming.append(ticket)
            self._changed.notify()
        return ticket

    def check_room(self, cost: int = 0) -> None:
        """Refuse what `submit` would refuse anyway, before any work is put into it. Raises OverloadedError."""
        if self._jobs >= self._max_jobs or (self._jobs and self._cost + cost > self._max_cost):
            raise OverloadedError(f"{self._jobs} requests with {self._cost} tokens are under way")

    @property
    def alive(self) -> bool:
        """Whether the compute thread runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Take nothing more, and return when all that was taken has ended."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _compute(self) -> None:
        try:
            while self._take():
                self._drop()
                for pool in self._pools:
                    if pool.busy:
                        ended = pool.step()
                        STEPS.labels(pool.task).inc()
                        if pool.task == "translation" and pool.rows:
                            ROWS.observe(pool.rows)
                        for job in ended:
                            self._end(job)
        finally:
            # Whoever waits must not wait for ever, whatever went wrong here.
            with self._changed:
                failed, self._closed = not self._closed, True
                left = [*self._live.values(), *self._incoming]
                UNDER_WAY.dec(len(left))
            for ticket in left:
                ticket.job.error = ticket.job.error or RuntimeError("the compute thread has ended")
                ticket.ended.set()
            if failed:
                self._fail()

    def _take(self) -> bool:
        """Let what was handed in join its pool; waits while there is nothing to do, False when there never will be."""
        with self._changed:
            while not (self._incoming or self._live or self._closed):
                self._changed.wait()
            taken, self._incoming = self._incoming, []
        for ticket in taken:
            self._live[ticket.job] = ticket
            ticket.pool.add(ticket.job)
        return bool(self._live)

    def _drop(self) -> None:
        now = time.monotonic()
        for ticket in list(self._live.values()):
            late = now >= ticket.until
            if late or ticket.dropped:
                ticket.pool.drop(ticket.job)
                if late:
                    ticket.job.error = TimeoutError(_LATE)
                self._end(ticket.job)

    def _end(self, job: Job) -> None:
        ticket = self._live.pop(job)
        with self._changed:
            self._jobs -= 1
            self._cost -= ticket.cost
            UNDER_WAY.dec()
        ticket.ended.set()
