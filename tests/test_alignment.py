"""Links of words, by hand."""

import numpy as np

from inference.alignment import Link, links, word_numbers


def test_words_of_subwords() -> None:
    assert word_numbers(["\u2581a", "b", "\u2581c", "<0xE2>", "\u2581"]) == [0, 0, 1, 1, 2]
    assert word_numbers(["a", "\u2581b"]) == [0, 1]
    assert word_numbers([]) == []


def test_links_are_shares_of_attention_without_the_sources_end() -> None:
    # "red car" -> "xe đỏ": "car" is two subwords, and half of the last one's attention is on the end.
    attention = np.array([[0.1, 0.4, 0.4, 0.1], [0.45, 0.05, 0.0, 0.5], [0.0, 0.0, 0.0, 1.0]])
    found = links(
        attention, ["\u2581red", "\u2581ca", "r"], ["\u2581xe", "\u2581đỏ"], [(0, 3), (4, 7)], [(0, 2), (3, 5)]
    )
    assert found == [
        Link((0, 3), (0, 2), 0.1111),
        Link((4, 7), (0, 2), 0.8889),
        Link((0, 3), (3, 5), 0.9),
        Link((4, 7), (3, 5), 0.1),
    ]
    assert found[0].moved(10, 20) == Link((10, 13), (20, 22), 0.1111)
    assert links(attention, ["\u2581red", "\u2581ca", "r"], ["\u2581xe", "\u2581đỏ"], [(0, 3)], [(0, 2), (3, 5)]) == []
    assert links(attention[2:], ["\u2581red", "\u2581ca", "r"], [], [(0, 3), (4, 7)], []) == []


def test_marks_at_the_end_of_a_word_are_no_part_of_it() -> None:
    # "here." -> "đây.": neither what attends to the full stop counts, nor what its translation attends to.
    attention = np.array([[0.4, 0.2, 0.3, 0.1], [0.1, 0.6, 0.2, 0.1], [0.9, 0.0, 0.1, 0.0], [0.0, 0.0, 0.0, 1.0]])
    pieces, words = ["\u2581here", "\u2581now", "."], [(0, 4), (5, 9)]
    assert links(attention, pieces, ["\u2581ở", "\u2581đây", "."], words, words) == [
        Link((0, 4), (0, 4), 0.6667),
        Link((5, 9), (0, 4), 0.3333),
        Link((0, 4), (5, 9), 0.1429),
        Link((5, 9), (5, 9), 0.8571),
    ]
    # A word that is nothing but marks is one.
    found = links(attention, ["\u2581here", "\u2581-", "."], ["\u2581ở", "\u2581-", "."], words, words)
    assert found[2:] == [Link((0, 4), (5, 9), 0.5263), Link((5, 9), (5, 9), 0.4737)]
