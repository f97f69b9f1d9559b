"""Greedy and beam search on step functions whose answers are known."""

import itertools
import time
from collections.abc import Sequence

import numpy as np
import pytest

from inference.decoding import (
    Array,
    Arrays,
    Beam,
    DecodeConfig,
    Decoder,
    Greedy,
    Hypothesis,
    State,
    Step,
    concatenate,
    decode,
    ends_in_loop,
    has_loop,
    is_odd,
)
from inference.tokenizer import BEGIN, END

VOCABULARY = 7


def random_step(seed: int) -> tuple[Step, State]:
    """A language model of order 1 whose layers count steps, and the state of 3 rows with a table each."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(3, VOCABULARY, VOCABULARY)) * 2
    tables = logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def step(tokens: Array, state: State) -> tuple[Array, Arrays]:
        (table,), (time,) = state
        return table[np.arange(len(tokens)), tokens], (time + 1,)

    return step, State((tables,), (np.zeros(3),))


BOUNDS = (4, 3, 4)
THREE = State((np.zeros(3),), (np.zeros(3),))
NOTHING = State((np.zeros(1),), (np.zeros(1),))


def greedy(step: Step, state: State, *bounds: int, may_loop: bool = True) -> list[Hypothesis]:
    return [found for (found,) in decode(step, state, [Greedy(bound, may_loop) for bound in bounds])]


def beam_search(
    step: Step, state: State, size: int, length_penalty: float, *bounds: int, may_loop: bool = True
) -> list[list[Hypothesis]]:
    return decode(step, state, [Beam(bound, may_loop, size, length_penalty) for bound in bounds])


def best_by_enumeration(table: Array, bound: int, length_penalty: float) -> Hypothesis:
    """The best finished hypothesis of all."""
    best = None
    for length in range(bound + 1):
        for ids in itertools.product([t for t in range(VOCABULARY) if t != END], repeat=length):
            path = [BEGIN, *ids, END]
            hypothesis = Hypothesis(ids, float(sum(table[a, b] for a, b in itertools.pairwise(path))), True)
            if best is None or hypothesis.score(length_penalty) > best.score(length_penalty):
                best = hypothesis
    assert best is not None
    return best


@pytest.mark.parametrize("seed", range(20))
def test_beam_of_one_is_greedy(seed: int) -> None:
    one, many = greedy(*random_step(seed), *BOUNDS), beam_search(*random_step(seed), 1, 1.0, *BOUNDS)
    assert [h.ids for h in one] == [beam[0].ids for beam in many]
    assert [h.finished for h in one] == [beam[0].finished for beam in many]
    np.testing.assert_allclose([h.log_prob for h in one], [beam[0].log_prob for beam in many])


@pytest.mark.parametrize("seed", range(8))
def test_a_beam_as_wide_as_the_tree_finds_the_likeliest(seed: int) -> None:
    step, state = random_step(seed)
    width = VOCABULARY**3
    beams = beam_search(step, state, width, 0.0, 3, 3, 3)
    for table, beam in zip(state.memory[0], beams, strict=True):
        # A hypothesis that the bound cuts never ends, so the longest finished one has bound - 1 tokens.
        expected = best_by_enumeration(table, 2, 0.0)
        assert beam[0].ids == expected.ids
        assert beam[0].log_prob == pytest.approx(expected.log_prob)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_rows_do_not_feel_their_neighbours(size: int) -> None:
    step, state = random_step(3)
    together = beam_search(step, state, size, 1.0, *BOUNDS)
    for row in range(3):
        assert beam_search(step, one_row(state, row), size, 1.0, BOUNDS[row]) == [together[row]]


def one_row(state: State, row: int) -> State:
    return State(*(tuple(array[row : row + 1] for array in part) for part in state))


@pytest.mark.parametrize("seed", range(20))
def test_searches_join_and_leave_between_steps(seed: int) -> None:
    step, state = random_step(seed)
    rng = np.random.default_rng(seed)
    decoder = Decoder(step)
    make = [lambda: Greedy(4, True), lambda: Beam(6, True, 3, 1.0), lambda: Beam(5, False, 3, 0.5, 0, 0.3)]
    alone = [decode(step, one_row(state, row), [new()]) for row, new in enumerate(make)]
    waiting = list(rng.permutation(np.repeat(np.arange(3), 4)))
    running, ended, dropped = {}, 0, 0
    while waiting or running:
        for _ in range(min(len(waiting), int(rng.integers(0, 3)))):
            row = waiting.pop()
            search = make[row]()
            running[search] = row
            decoder.join(search, one_row(state, row))
        if running and rng.random() < 0.1:
            victim = next(iter(running))
            decoder.drop({victim})
            del running[victim]
            dropped += 1
        assert decoder.rows == sum(len(search.tokens) for search in running)
        for search in decoder.step() if running else []:
            assert [search.result()] == alone[running.pop(search)]
            ended += 1
    assert ended + dropped == 12
    assert ended > 6


def test_a_search_that_branches_moves_no_other() -> None:
    """A row that becomes another search's has its memory copied."""
    step, state = random_step(5)
    memories = [one_row(state, row) for row in range(3)]
    seen: list[list[int]] = []

    def gather(gathered: Sequence[Arrays]) -> Arrays:
        seen.append([next(i for i, one in enumerate(memories) if one.memory is memory) for memory in gathered])
        return concatenate(gathered)

    decoder = Decoder(step, gather)
    searches = [Beam(9, True, 3, 1.0), Greedy(9, True), Beam(9, True, 2, 1.0)]
    for search, one in zip(searches, memories, strict=True):
        decoder.join(search, one)
    decoder.step()
    decoder.step()
    assert seen == [[0, 1, 2], [0, 1, 2, 0, 0, 2]]
    decoder.drop({searches[0]})
    decoder.step()
    assert seen[2] == [2, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_a_beam_of_which_all_but_the_likeliest_are_given_up_is_greedy(seed: int) -> None:
    one = greedy(*random_step(seed), *BOUNDS)
    beams = decode(*random_step(seed), [Beam(bound, True, 4, 1.0, 0, 0.999) for bound in BOUNDS])
    assert [h.ids for h in one] == [beam[0].ids for beam in beams]


@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(10))
def test_what_is_much_less_likely_is_given_up(seed: int, threshold: float) -> None:
    (tables,), _ = random_step(seed)[1]
    search = Beam(6, True, 4, 1.0, 0, threshold)
    sums, rows = np.zeros(1), [0]
    while rows:
        totals = sums[:, None] + tables[0][search.tokens]
        rows = search.advance(tables[0][search.tokens])
        best = max([totals.max(), *(h.log_prob for h in search.result() if h.finished)])
        sums = totals[rows, search.tokens[: len(rows)]]
        assert all(sums >= best + np.log(threshold))


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_a_beam_goes_on_while_something_is_likelier_than_what_has_ended(threshold: float) -> None:
    """After "a" comes "b" with 0.5 (and one token more), the end with 0.3, "c" with 0.2 (and the end)."""
    a, b, c = 4, 5, 6
    ways: dict[int, dict[int, float]] = {BEGIN: {a: 1.0}, a: {b: 0.5, END: 0.3, c: 0.2}, b: {7: 1.0}}
    ways |= {c: {END: 1.0}, 7: {END: 1.0}}

    def step(tokens: Array, state: State) -> tuple[Array, Arrays]:
        log_probs = np.full((len(tokens), VOCABULARY + 1), -50.0)
        for row, token in enumerate(tokens):
            for after, probability in ways.get(int(token), {}).items():
                log_probs[row, after] = np.log(probability)
        return log_probs, state.layers

    (found,) = decode(step, NOTHING, [Beam(9, True, 2, 1.0, 0, threshold)])
    assert [h.ids for h in found] == [(a, b, 7), (a,)]


def test_a_threshold_worked_by_hand() -> None:
    """After the beginning "a" has 0.5, "b" 0.3, "c" 0.2; each is followed by the end, surely."""
    a, b, c = 4, 5, 6

    def step(tokens: Array, state: State) -> tuple[Array, Arrays]:
        log_probs = np.full((len(tokens), VOCABULARY), -np.inf)
        log_probs[tokens == BEGIN, a : c + 1] = np.log([0.5, 0.3, 0.2])
        log_probs[tokens != BEGIN, END] = 0.0
        return log_probs, state.layers

    def found(threshold: float) -> list[tuple[int, ...]]:
        return [h.ids for h in decode(step, NOTHING, [Beam(9, True, 3, 1.0, 0, threshold)])[0]]

    assert found(0.0) == found(0.3) == [(a,), (b,), (c,)]
    assert found(0.5) == [(a,), (b,)]
    assert found(0.7) == [(a,)]


def never_ends(tokens: Array, state: State) -> tuple[Array, Arrays]:
    log_probs = np.full((len(tokens), VOCABULARY), -2.0)
    log_probs[:, END] = -np.inf
    log_probs[:, 5] = -0.5
    return log_probs, state.layers


def test_decoding_always_ends_at_its_bound() -> None:
    for hypothesis, bound in zip(greedy(never_ends, THREE, *BOUNDS), BOUNDS, strict=True):
        assert hypothesis.ids == (5,) * bound
        assert not hypothesis.finished
    for beam, bound in zip(beam_search(never_ends, THREE, 3, 1.0, *BOUNDS), BOUNDS, strict=True):
        assert len(beam) == 3
        assert beam[0].ids == (5,) * bound
        assert not any(h.finished for h in beam)


def ends_at_once(tokens: Array, state: State) -> tuple[Array, Arrays]:
    log_probs = np.full((len(tokens), VOCABULARY), -9.0)
    log_probs[:, END] = -0.1
    return log_probs, state.layers


def test_an_end_token_at_once_is_an_empty_row() -> None:
    assert greedy(ends_at_once, NOTHING, 5) == [Hypothesis((), -0.1, True)]
    assert beam_search(ends_at_once, NOTHING, 2, 1.0, 5)[0][0] == Hypothesis((), -0.1, True)


def test_an_end_token_too_early_is_passed_over() -> None:
    (hypothesis,) = decode(ends_at_once, NOTHING, [Greedy(9, True, 3)])[0]
    assert (hypothesis.ids, hypothesis.finished) == ((0, 0, 0), True)
    assert hypothesis.log_prob == pytest.approx(-9 * 3 - 0.1)
    for hypothesis in decode(ends_at_once, NOTHING, [Beam(9, True, 3, 1.0, 2)])[0]:
        assert len(hypothesis.ids) >= 2
    config = DecodeConfig(least_factor=0.5)
    assert [config.search([4] * n, size).least for n, size in ((1, 1), (7, 1), (8, 5))] == [0, 3, 4]


def test_finished_rows_leave_the_batch() -> None:
    seen = []

    def step(tokens: Array, state: State) -> tuple[Array, Arrays]:
        seen.append(state.memory[0].tolist())
        log_probs = np.full((len(tokens), VOCABULARY), -5.0)
        log_probs[:, 6] = -1.0
        log_probs[state.memory[0] == len(seen), END] = 0.0
        return log_probs, state.layers

    hypotheses = greedy(step, State((np.array([2, 1, 3]),), (np.zeros(3),)), 9, 9, 9)
    assert seen == [[2, 1, 3], [2, 3], [3]]
    assert [h.ids for h in hypotheses] == [(6,), (), (6, 6)]


def test_nan_is_refused() -> None:
    def broken(tokens: Array, state: State) -> tuple[Array, Arrays]:
        return np.full((len(tokens), VOCABULARY), np.nan), state.layers

    for search in (Greedy(4, True), Beam(4, True, 2, 1.0)):
        with pytest.raises(FloatingPointError, match="NaN"):
            decode(broken, NOTHING, [search])


def test_score_normalises_by_length() -> None:
    hypothesis = Hypothesis((4, 5, 6), -4.0, True)  # four tokens with the end token: ((5 + 4) / 6) ** 1 = 1.5
    assert hypothesis.score(1.0) == pytest.approx(-4.0 / 1.5)
    assert hypothesis.score(0.0) == -4.0


def test_length_penalty_changes_the_winner() -> None:
    table = np.full((VOCABULARY, VOCABULARY), -20.0)
    table[BEGIN, END], table[BEGIN, 4], table[4, 5], table[5, END] = -1.0, -0.5, -0.4, -0.3

    def step(tokens: Array, state: State) -> tuple[Array, Arrays]:
        return table[tokens], state.layers

    assert beam_search(step, NOTHING, 2, 0.0, 6)[0][0].ids == ()
    assert beam_search(step, NOTHING, 2, 1.0, 6)[0][0].ids == (4, 5)


def test_bounds_grow_with_the_source() -> None:
    sources = [[5], [5, 6, 7, 8, 9, 10, 11, 12, 13]]  # 2 and 10 tokens with the end token
    config = DecodeConfig(length_factor=1.5, length_margin=4)
    assert [config.search(source, 1).bound for source in sources] == [7, 19]


@pytest.mark.parametrize(
    ("ids", "loop"),
    [
        ((4, 5, 6, 4, 5, 6), False),
        ((4, 5, 6) * 3, True),
        ((4, 5) * 2, False),
        ((9, 9, 9), False),
        ((1, 9, 9, 9, 9), True),
        ((1, 2, 3, 4) * 2, True),
        ((8, 1, 2, 3, 4, 5, 1, 2, 3, 4), False),
        ((), False),
    ],
)
def test_what_a_loop_is(ids: tuple[int, ...], loop: bool) -> None:
    assert ends_in_loop(ids) == loop
    assert has_loop((*ids, 30, 31)) == loop


def test_a_loop_anywhere_is_what_a_beginning_ends_in() -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(500):
        ids = rng.integers(0, 3, size=rng.integers(0, 14)).tolist()
        found += has_loop(ids)
        assert has_loop(ids) == any(ends_in_loop(ids[:end]) for end in range(len(ids) + 1))
    assert 50 < found < 450


def test_a_long_source_is_searched_for_loops_at_once() -> None:
    ids = np.random.default_rng(0).integers(0, 5000, size=1600).tolist()
    start = time.perf_counter()
    assert not has_loop(ids)
    assert time.perf_counter() - start < 0.2


def test_sources_with_loops_may_have_translations_with_loops() -> None:
    assert [DecodeConfig().search(ids, 2).may_loop for ids in ([1, 2, 3], [7, 7, 7, 7])] == [False, True]


def turns(tokens: Array, state: State) -> tuple[Array, Arrays]:
    """5 follows 4 and 4 follows 5, for ever; 6 is a little less likely, and after it the end."""
    log_probs = np.full((len(tokens), VOCABULARY), -9.0)
    for row, token in enumerate(tokens):
        log_probs[row, {4: 5, 6: END}.get(token, 4)] = -0.1
        log_probs[row, 6] = max(log_probs[row, 6], -1.0)
    return log_probs, state.layers


def test_greedy_stops_in_a_loop() -> None:
    assert greedy(turns, NOTHING, 40, may_loop=False)[0] == Hypothesis((4, 5, 4, 5, 4, 5), pytest.approx(-0.6), False)
    assert len(greedy(turns, NOTHING, 40)[0].ids) == 40


@pytest.mark.parametrize("threshold", [0.0, 0.9])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_beam_finds_its_way_out_of_a_loop(size: int, threshold: float) -> None:
    """Though what leads out is less likely than the threshold allows."""
    (found,) = decode(turns, NOTHING, [Beam(40, False, size, 2.0, 0, threshold)])
    assert not any(has_loop(hypothesis.ids) for hypothesis in found)
    best = found[0]
    assert best.finished
    assert best.ids[-1] == 6


def test_a_beam_that_can_only_loop_gives_up() -> None:
    only = np.full(VOCABULARY, -np.inf)
    only[5] = -0.5

    def step(tokens: Array, state: State) -> tuple[Array, Arrays]:
        return np.tile(only, (len(tokens), 1)), state.layers

    assert beam_search(step, NOTHING, 2, 1.0, 40, may_loop=False)[0][0].ids[:3] == (5, 5, 5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("beam_size", 0),
        ("length_factor", 0.0),
        ("length_margin", 0),
        ("least_factor", 2.0),
        ("relative_threshold", 1.0),
    ],
)
def test_config_names_the_value(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}.* {value}"):
        DecodeConfig(**{field: value})


@pytest.mark.parametrize(
    ("source", "output", "odd"),
    [
        ("Where do you live?", "Bạn sống ở đâu?", False),
        ("No.", "Không.", False),
        ("I live in a big house by the sea with my dog.", "Tôi sống.", True),
        ("Stop!", "Dừng lại ở đây đi!", True),
        ("It goes on for ever.", "Nó cứ đi, cứ đi, cứ đi, cứ đi,", True),
        ("no no no no no", "không không không không không", False),
    ],
)
def test_odd_translations(source: str, output: str, odd: bool) -> None:
    assert is_odd(source, output) == odd
