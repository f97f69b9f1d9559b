/** Places in texts. The service counts characters in Unicode code points; strings here are counted in UTF-16 units. */

/** The text without halves of surrogate pairs, which no JSON may carry; no place moves. */
export const wellFormed = (text) => text.toWellFormed?.() ?? text;

/** How many code points a text has. */
export function countPoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Where each code point begins, in units, and where the text ends. */
function starts(text) {
  const found = [];
  let at = 0;
  for (const point of text) {
    found.push(at);
    at += point.length;
  }
  found.push(at);
  return found;
}

/**
 * Spans `[start, end]` in code points as units of the text: `{number, start, end}` in the order of the text, where
 * `number` is the span's place in the list. What is no span of this text, or overlaps one before it, is left out.
 */
export function placed(text, spans) {
  const units = starts(text);
  const last = units.length - 1;
  const fits = ({ start, end }) => [start, end].every(Number.isInteger) && 0 <= start && start < end && end <= last;
  const found = spans
    .map(([start, end], number) => ({ number, start, end }))
    .filter(fits)
    .sort((one, other) => one.start - other.start);
  let at = 0;
  const apart = found.filter(({ start, end }) => {
    const behind = start >= at;
    if (behind) at = end;
    return behind;
  });
  return apart.map(({ number, start, end }) => ({ number, start: units[start], end: units[end] }));
}

/**
 * Fill a node with a text in which the places are elements, made by `make(word, number)`. Returns them by number.
 */
export function fill(node, text, places, make) {
  const words = [];
  const children = [];
  let at = 0;
  for (const { number, start, end } of places) {
    if (start > at) children.push(text.slice(at, start));
    words[number] = make(text.slice(start, end), number);
    children.push(words[number]);
    at = end;
  }
  children.push(text.slice(at));
  node.replaceChildren(...children);
  return words;
}

/** A word without the punctuation that it stands in. */
export const bare = (word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "") || word;

const MOST_WORDS = 500; // of which differences are looked for: the time they take grows with the square

/**
 * The words of `other`, each with the blanks behind it, and whether it differs from `text`: all but a longest common
 * subsequence do. Returns `[[words, differs], ...]`.
 */
export function differences(text, other) {
  const [ours, theirs] = [text, other].map((one) => one.match(/\S+\s*|\s+/g) ?? []);
  if (Math.max(ours.length, theirs.length) > MOST_WORDS) return [[other, false]];
  const same = (i, j) => ours[i].trim() === theirs[j].trim();
  // lengths[i][j]: of the longest common subsequence of what begins at i and at j.
  const lengths = Array.from({ length: ours.length + 1 }, () => new Uint16Array(theirs.length + 1));
  for (let i = ours.length - 1; i >= 0; i -= 1) {
    for (let j = theirs.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = same(i, j) ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  for (let i = 0, j = 0; j < theirs.length; ) {
    if (i < ours.length && same(i, j)) {
      found.push([theirs[j], false]);
      i += 1;
      j += 1;
    } else if (i < ours.length && lengths[i + 1][j] >= lengths[i][j + 1]) {
      i += 1;
    } else {
      found.push([theirs[j], true]);
      j += 1;
    }
  }
  return found;
}
