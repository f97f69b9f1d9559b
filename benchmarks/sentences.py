"""English sentences of about twenty words, a hundred thousand of them, no two alike."""

from itertools import product

_TIMES = "morning evening Monday winter spring night".split()
_QUALITIES = "old young tall quiet clever tired famous friendly".split()
_PEOPLE = "teacher farmer doctor student driver singer mother soldier".split()
_ACTS = "buys brings borrows finds takes".split()
_THINGS = "books flowers letters apples chairs lamps pictures stones".split()
_PLACES = "market village library river station garden school harbour".split()


def sentences() -> list[str]:
    """All of them, well mixed, in the same order each time."""
    parts = list(product(_TIMES, _THINGS, _PLACES, _ACTS, _QUALITIES, _PEOPLE))
    # A prime that their number is no multiple of leads through all of them.
    return [_sentence(number, *parts[number * 7919 % len(parts)]) for number in range(len(parts))]


def _sentence(number: int, day: str, things: str, place: str, act: str, quality: str, person: str) -> str:
    other = _PEOPLE[(number + number // len(_PEOPLE) + 3) % len(_PEOPLE)]
    return (
        f"Every {day} the {quality} {person} {act} {2 + number % 7} new {things} near the {place} "
        f"and shows them to a {other} who lives there."
    )
