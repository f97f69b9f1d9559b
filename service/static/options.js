/** What a translation is to heed: glossary, protected terms, HTML. */

import { find } from "./elements.js";
import { keep, kept } from "./kept.js";
import { number, say } from "./words.js";

const NAME = "options";
const boxes = [find("glossary"), find("protect")];

const lines = (box) => box.value.split("\n").map((line) => line.trim());

/** The glossary's terms, and the numbers of lines that are none. */
function glossary() {
  const terms = [];
  const wrong = [];
  lines(boxes[0]).forEach((line, index) => {
    const [term, translation] = line.split(/=(.*)/s).map((part) => part.trim());
    if (term && translation) terms.push([term, translation]);
    else if (line) wrong.push(index + 1);
  });
  return { terms, wrong };
}

/** The options of a request that differ from what is usual. */
export function options() {
  const chosen = {};
  const { terms } = glossary();
  const protect = lines(boxes[1]).filter(Boolean);
  if (terms.length) chosen.glossary = Object.fromEntries(terms);
  if (protect.length) chosen.protect = protect;
  if (find("html").checked) chosen.format = "html";
  return chosen;
}

/** Show what is set, and what cannot be read. */
export function drawOptions() {
  const count = Object.keys(options()).length;
  find("options-set").hidden = count === 0;
  find("options-set").textContent = number(count);
  const { wrong } = glossary();
  find("glossary-problem").textContent = wrong.length ? say("glossary-problem", { lines: wrong.join(", ") }) : "";
  boxes[0].setAttribute("aria-invalid", wrong.length > 0);
}

/** Keep the options in this browser, or forget them. */
export function keepOptions(isWanted) {
  const [terms, protect] = boxes.map((box) => box.value);
  keep(NAME, isWanted && (terms || protect) ? { glossary: terms, protect } : null);
}

/** Begin to listen; `change` is called when an option has changed. */
export function startOptions(change) {
  const before = kept(NAME, {});
  for (const box of boxes) if (typeof before[box.id] === "string") box.value = before[box.id];
  for (const field of [...boxes, find("html")]) {
    field.addEventListener("input", () => {
      drawOptions();
      change();
    });
  }
  drawOptions();
}
