"""Links of words, by hand."""

import numpy as np

from inference.alignment import Link, links, of_words, parts, weighed, word_numbers


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


def test_evidence_of_subwords_is_that_of_their_words() -> None:
    assert parts(["\u2581is", "\u2581fr", "ee", "."], [1]) == [[1, 2]]
    # One part, the word 1 of two; the target's second word is two subwords and a full stop.
    found = of_words(np.array([[0.5], [2.0], [1.0], [9.0], [7.0]]), ["\u2581mi", "\u2581ph", "í", "."], [1], 2)
    assert found[:, 1].tolist() == [0.5, 3.0]
    assert np.isnan(found[:, 0]).all()


def test_what_becomes_unlikely_without_a_word_is_of_it() -> None:
    # "is free" -> "miễn phí": "miễn" attends to "is", and is lost without "free"; "phí" follows from "miễn".
    source, target = [(0, 2), (3, 7)], [(0, 4), (5, 8)]
    attention = [Link(source[0], target[0], 0.6), Link(source[1], target[0], 0.4), Link(source[1], target[1], 0.5)]
    strong = weighed(attention, np.array([[0.0, 4.0], [0.0, 0.1]]), source, target)
    assert max(strong, key=lambda link: link.weight * (link.target == target[0])).source == source[1]
    assert all(link.source == source[1] for link in strong)
    # Without evidence, attention says it; only what is known to owe nothing goes on with what was before.
    none = weighed(attention, np.full((2, 2), np.nan), source, target)
    assert [link.source for link in none if link.target == target[0] and link.weight > 0.5] == [source[0]]
