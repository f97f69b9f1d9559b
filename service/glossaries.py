"""Glossaries that callers keep here and name in their requests."""

import csv
import io
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from service.errors import ApiError
from service.store import Store


@dataclass(frozen=True)
class Glossary:
    """Terms and their translations."""

    id: str
    name: str
    created: str
    terms: dict[str, str]


class Glossaries:
    """The glossaries of all callers; each sees his own."""

    def __init__(self, store: Store, most: int) -> None:
        """Keep so many of each caller's at most."""
        self._store, self._most = store, most

    def add(self, owner: str, name: str, terms: dict[str, str]) -> Glossary:
        """Keep a glossary. Raises ApiError 413 when the caller has too many."""
        if len(self.all(owner)) >= self._most:
            raise ApiError(413, "TooLarge", f"{self._most} glossaries are kept: delete one before you add another")
        glossary = Glossary(secrets.token_hex(16), name, datetime.now(UTC).isoformat(), terms)
        self._store.put(_key(owner, glossary.id), json.dumps(asdict(glossary)).encode())
        return glossary

    def get(self, owner: str, number: str) -> Glossary:
        """A glossary by its id. Raises ApiError 404."""
        found = self._store.get(_key(owner, number))
        if found is None:
            raise ApiError(404, "NotFound", f"there is no glossary {number[:64]!r}")
        return Glossary(**json.loads(found))

    def all(self, owner: str) -> list[Glossary]:
        """All of a caller's, the oldest first."""
        found = [Glossary(**json.loads(value)) for value in self._store.values(f"glossary/{owner}")]
        return sorted(found, key=lambda glossary: glossary.created)

    def delete(self, owner: str, number: str) -> None:
        """Forget one. Raises ApiError 404."""
        self.get(owner, number)
        self._store.delete(_key(owner, number))


def _key(owner: str, number: str) -> str:
    return f"glossary/{owner}/{number}"


def read_terms(entries: str, form: str) -> dict[str, str]:
    """The terms of a table, "tsv" (in which a quote is a quote) or "csv": a term and its translation a line.

    Raises ValueError.
    """
    how: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if form == "tsv" else {"strict": True}
    lines = csv.reader(io.StringIO(entries), **how)
    terms = {}
    try:
        for row in lines:
            # DeepL's tables may name the languages behind the two.
            if row and len(row) not in (2, 4):
                raise ValueError(f"line {lines.line_num} has {len(row)} columns: give a term and its translation")
            if row:
                terms[row[0].strip()] = row[1].strip()
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num}: {error}") from error
    if not terms:
        raise ValueError("there is no term in it")
    return terms


def write_terms(terms: dict[str, str]) -> str:
    """Terms as lines of two columns."""
    return "".join(f"{term}\t{translation}\n" for term, translation in terms.items())
