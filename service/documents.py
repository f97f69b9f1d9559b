"""Files that are translated whole, in the background, a part at a time, between the requests of others."""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from threading import BoundedSemaphore, Thread
from typing import Literal

from inference.blocks import Page
from inference.documents.document import Document, DocumentError
from inference.documents.kinds import read_document
from service.errors import ApiError
from service.store import Store

_PART = 2000
"""Characters that are translated together."""
_WORD = 15
"""Seconds after which who waits for his turn to translate a file says that he is still there."""

_MOST_LATE = 3
"""How often a part may take too long: others may have been in its way."""
_MOST_BEGUN = 3
"""How often a file is begun with: it may be what its workers died of."""
_LONGEST_NAME = 255
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What a name of a file may have, and a header that names it may not."""

Translate = Callable[[list[Page], Mapping[str, str]], list[str]]
"""Translates pages, with terms; raises ApiError as a request would meet it."""
Warn = Callable[[str], str | None]
"""What is to be told of a text."""


@dataclass(frozen=True)
class State:
    """What became of a file so far."""

    id: str
    name: str
    key: str
    """A second secret that some clients bring."""
    characters: int
    total: int
    """Parts of text."""
    done: int = 0
    status: Literal["queued", "translating", "done", "error"] = "queued"
    error: str = ""
    warning: str | None = None
    begun: int = 1
    """How often it was begun with."""
    seen: float = 0.0
    """When the one who translates it last said a word."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.status in ("done", "error")


class Documents:
    """Takes files in, translates them and keeps the results for a while."""

    def __init__(
        self, translate: Translate, warn: Warn, store: Store, most: int, seconds: float, part_seconds: float
    ) -> None:
        """At most so many files are under way at a time; each is forgotten after so many seconds.

        To translate a part of one takes at most `part_seconds`.
        """
        self._translate, self._warn, self._store, self._seconds = translate, warn, store, seconds
        self._silence = part_seconds + 2 * _WORD
        self._places = BoundedSemaphore(most) if most else None

    def add(self, name: str, data: bytes, terms: Mapping[str, str]) -> State:
        """Begin with a file. Raises ApiError: 422 it cannot be read, 429 too many are under way."""
        if self._places is None or not self._places.acquire(blocking=False):
            raise ApiError(429, "Overloaded", "too many files are under way: try again later", retry_after=10)
        try:
            name = _CONTROLS.sub("", PurePath(name).name)[-_LONGEST_NAME:]
            document = read_document(name, data)
            identity, key = secrets.token_hex(16), secrets.token_hex(16)
            self._store.put(f"source/{identity}", json.dumps(dict(terms)).encode() + b"\n" + data, self._seconds)
            state = State(
                identity,
                name,
                key,
                document.characters,
                len(document.blocks),
                warning=self._warn(document.text),
                seen=time.time(),
            )
            self._begin(document, state, terms)
        except BaseException as error:
            self._places.release()
            if isinstance(error, DocumentError):
                message = str(error)
                raise ApiError(
                    422, "Validation", f"file: {message}", [{"loc": ["file"], "message": message}]
                ) from error
            raise
        return state

    def _begin(self, document: Document, state: State, terms: Mapping[str, str]) -> None:
        self._keep(state)
        # It ends with the process: who asks what became of a file then begins with it anew.
        Thread(target=self._run, args=(document, state, terms), name="document", daemon=True).start()

    def state(self, identity: str) -> State:
        """What became of a file; one whose worker is gone is begun with anew. Raises ApiError 404."""
        state = self._find(identity)
        return state if state.ended or time.time() - state.seen <= self._silence else self._again(state)

    def _find(self, identity: str) -> State:
        found = self._store.get(f"document/{identity}")
        if found is None:
            raise ApiError(404, "NotFound", f"there is no file {identity[:64]!r}: it may have been forgotten")
        return State(**json.loads(found))

    def _again(self, state: State) -> State:
        """Begin anew with a file whose worker is gone, unless another one does, or it was so too often."""
        source = self._store.get(f"source/{state.id}")
        if source is None or state.begun >= _MOST_BEGUN:
            return replace(state, status="error", error="its translation was broken off: send it again")
        if self._places is None or not self._places.acquire(blocking=False):
            return state
        try:
            mine = self._store.claim(f"again/{state.id}/{state.begun}", self._silence)
            if mine:
                terms, _, data = source.partition(b"\n")
                state = replace(state, status="queued", done=0, begun=state.begun + 1, seen=time.time())
                self._begin(read_document(state.name, data), state, json.loads(terms))
        except BaseException:
            self._places.release()
            raise
        if not mine:
            self._places.release()
        return state

    def result(self, identity: str) -> bytes:
        """The translated file. Raises ApiError: 404 there is none, or no more, 409 not yet, or never."""
        state = self.state(identity)
        found = self._store.get(f"result/{identity}")
        if found is None and state.status == "done":
            raise ApiError(
                404, "NotFound", "this translation was forgotten to make room for others: send the file again"
            )
        if found is None:
            raise ApiError(409, "NotFound", state.error or f"it is not done yet: {state.done} of {state.total}")
        return found

    def delete(self, identity: str) -> None:
        """Forget a file, and stop translating it. Raises ApiError 404."""
        self._find(identity)
        for kind in ("document", "source", "result"):
            self._store.delete(f"{kind}/{identity}")

    def _keep(self, state: State) -> None:
        self._store.put(f"document/{state.id}", json.dumps(asdict(state)).encode(), self._seconds)

    def _is_wanted(self, state: State) -> bool:
        return self._store.get(f"document/{state.id}") is not None

    def _run(self, document: Document, state: State, terms: Mapping[str, str]) -> None:
        assert self._places
        result, blocks = b"", list[str]()
        until = time.monotonic() + self._seconds
        try:
            for pages in document.chunks(_PART):
                blocks += self._part(pages, terms, state, until)
                if not self._is_wanted(state):
                    return
                state = replace(state, status="translating", done=len(blocks), seen=time.time())
                self._keep(state)
            result = document.write(blocks)
            state = replace(state, status="done")
        except ApiError as error:
            state = replace(state, status="error", error=error.message)
        except Exception:
            state = replace(state, status="error", error="the service failed on this file")
            raise
        finally:
            # Whoever hears that a file has ended may send the next one at once: its place is free by then.
            self._places.release()
            if state.ended:
                self._store.delete(f"source/{state.id}")
            if state.ended and self._is_wanted(state):
                if state.status == "done":
                    self._store.put(f"result/{state.id}", result, self._seconds)
                self._keep(state)

    def _part(self, pages: list[Page], terms: Mapping[str, str], state: State, until: float) -> list[str]:
        """Translate a part; where there is too much under way, others go first, and it is tried again."""
        late = 0
        while True:
            try:
                return self._translate(pages, terms)
            except ApiError as error:
                late += error.status == 504
                if error.status not in (429, 504) or late > _MOST_LATE or time.monotonic() > until:
                    raise
            time.sleep(0.2)
            if time.time() - state.seen > _WORD and self._is_wanted(state):
                state = replace(state, seen=time.time())
                self._keep(state)
