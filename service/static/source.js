/**
 * The text: a box to type in, and behind it a mirror of the same text, in which words can be marked. The mirror's height
 * is the box's, so neither ever scrolls, and their words lie on each other.
 */

import { find, element } from "./elements.js";
import { fill, placed, wellFormed } from "./spans.js";

const box = find("source");
const mirror = find("mirror");
const END = "\u200b"; // without it the mirror would not show an empty last line
const NO_WORD = -1;

let places = [];
let pointed = NO_WORD;
let onWord = () => {};

/** The text that stands in the box. */
export const text = () => wellFormed(box.value);

/** Call `listener(number, byKeyboard)` when a marked word is pointed at, or, with -1, no longer. */
export function listen(listener) {
  onWord = listener;
}

/** Put another text into the box; the browser can undo it if `undoable`. */
export function replace(value, undoable = false) {
  if (undoable) {
    box.focus();
    box.select();
    document.execCommand(value ? "insertText" : "delete", false, value);
  }
  if (box.value !== value) {
    box.value = value;
    box.dispatchEvent(new Event("input"));
  }
}

/** Take all marks away. */
export function unmark() {
  places = [];
  pointed = NO_WORD;
  mirror.textContent = box.value + END;
}

/** Make the words at some spans, in code points, markable. Returns their elements, by their number in the list. */
export function mark(spans) {
  places = placed(text(), spans);
  pointed = NO_WORD;
  const words = fill(mirror, text(), places, (word, number) => element("span", { class: "word", "data-number": number }, word));
  mirror.append(END);
  return words;
}

/** Select the word with this number. */
export function select(number) {
  const place = places.find((one) => one.number === number);
  if (!place) return;
  box.focus();
  box.setSelectionRange(place.start, place.end);
}

function point(number, byKeyboard) {
  if (number === pointed) return;
  pointed = number;
  onWord(number, byKeyboard);
}

function wordAtPointer(event) {
  const word = document.elementsFromPoint(event.clientX, event.clientY).find((node) => node.parentNode === mirror);
  return word ? Number(word.dataset.number) : NO_WORD;
}

function wordAtCaret() {
  const at = box.selectionStart;
  return places.find(({ start, end }) => start <= at && at <= end)?.number ?? NO_WORD;
}

box.addEventListener("input", unmark);
box.addEventListener("pointermove", (event) => {
  if (event.pointerType === "mouse") point(wordAtPointer(event), false);
});
box.addEventListener("pointerleave", () => point(NO_WORD, false));
box.addEventListener("blur", () => point(NO_WORD, true));
document.addEventListener("selectionchange", () => {
  if (document.activeElement === box && places.length) point(wordAtCaret(), true);
});
