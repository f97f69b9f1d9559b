/** The translation of the text: itself, how sure it is, others, and which word became which. */

import { Alignment, walk } from "./alignment.js";
import { translate } from "./api.js";
import { announce, element, find, icon } from "./elements.js";
import { options } from "./options.js";
import * as source from "./source.js";
import { differences } from "./spans.js";
import { drawWarnings, number, percent, say } from "./words.js";

const OTHERS = 3;
const output = find("output");
const others = find("alternatives");

let shown = null; // {answer, detailed, chosen}: chosen is 0, or the number of an alternative
let alignment = null;
let most = OTHERS;

const textOf = (number) => (number === 0 ? shown.answer.text : shown.answer.alternatives[number - 1]);
const readAlternatives = (found) => (Array.isArray(found) ? found.filter((text) => typeof text === "string") : []);

export const translation = {
  /** Texts of at most so many characters are asked for with all there is to know of them at once, ... */
  instant: 600,
  /** ... and of so many for the rest by itself, after the answer. */
  limit: 2000,
  detailButton: find("align"),

  /** Ask for the translation, in detail with its alignment. */
  async ask(text, detailed, signal) {
    const asked = { ...options(), scores: true };
    if (asked.format !== "html") {
      if (others.open) asked.alternatives = most;
      if (detailed) asked.alignment = true;
    }
    const answer = await translate(text, asked, signal);
    return { ...answer, alternatives: readAlternatives(answer.alternatives), isMarkup: asked.format === "html" };
  },

  show(answer, detailed) {
    shown = { answer, detailed, chosen: 0 };
    this.redraw();
    announce(answer.text, 900);
  },

  /** Write what is shown anew: a language or a choice has changed. */
  redraw() {
    if (!shown) return;
    const { answer, detailed, chosen } = shown;
    find("output-hint").hidden = true;
    others.hidden = most === 0;
    find("copy").hidden = textOf(chosen) === "";
    alignment = null;
    output.textContent = textOf(chosen);
    if (detailed && chosen === 0) alignment = new Alignment(output, answer.text, answer.alignment);
    else source.unmark();
    this.point(-1);
    find("align").hidden = detailed || chosen !== 0 || answer.isMarkup;
    drawWarnings(find("warning"), answer);
    drawConfidence(answer);
    drawAlternatives();
  },

  clear() {
    shown = null;
    alignment = null;
    output.textContent = "";
    find("links").textContent = "";
    find("output-hint").hidden = false;
    for (const id of ["copy", "warning", "confidence", "align", "alternatives"]) find(id).hidden = true;
    find("alternative-list").replaceChildren();
  },

  /** A word of the source is pointed at, or none. */
  point(number, byKeyboard) {
    tell(number < 0 ? null : alignment?.show("source", number), byKeyboard);
  },

  /** What the history says of it. */
  get gist() {
    return shown?.answer.text ?? "";
  },

  get isDetailed() {
    return Boolean(shown?.detailed || shown?.answer.isMarkup);
  },

  /** Heed the server's limits. */
  limits({ max_alternatives: limit = OTHERS }) {
    most = Math.min(OTHERS, limit);
  },
};

/** Say below the translation, and to who listens, which word became which. */
function tell(line, byKeyboard) {
  if (!line) alignment?.clear();
  find("links").textContent = line || (alignment && !alignment.isEmpty ? say("align-hint") : "");
  if (line && byKeyboard) announce(line);
}

function drawConfidence(answer) {
  const isSure = typeof answer.score === "number" && answer.score >= 0 && answer.score <= 1;
  find("confidence").hidden = !isSure || answer.text === "";
  if (!isSure) return;
  find("confidence-text").textContent = say("confidence", { percent: percent(answer.score) });
  find("confidence-bar").style.setProperty("--share", answer.score);
  const { took } = answer;
  find("took").textContent =
    took === null ? "" : say("took", { time: number(took, { maximumFractionDigits: took < 10 ? 1 : 0 }) });
}

function drawAlternatives() {
  const { answer, chosen } = shown;
  const list = find("alternative-list");
  const found = answer.alternatives;
  const choose = (number) => {
    shown.chosen = number;
    translation.redraw();
    list.querySelectorAll("button")[number].focus();
  };
  const item = (text, number) => {
    const words = differences(answer.text, text).flatMap(([word, differs]) =>
      differs ? [element("b", {}, word.trimEnd()), word.slice(word.trimEnd().length)] : word,
    );
    const button = element("button", { type: "button", "aria-pressed": number === chosen }, ...words);
    button.addEventListener("click", () => choose(number));
    return element("li", {}, button);
  };
  list.replaceChildren(...(found.length ? [answer.text, ...found].map(item) : []));
  find("alternative-hint").hidden = found.length > 0 || !others.open;
  find("alternative-hint").textContent = say(answer.isMarkup ? "alternatives-html" : "alternatives-none");
}

async function copy() {
  const button = find("copy");
  const done = await write(textOf(shown.chosen));
  const [image, name] = button.children;
  name.textContent = say(done ? "copied" : "not-copied");
  if (done) image.replaceWith(icon("check"));
  announce(name.textContent);
  setTimeout(() => {
    button.firstElementChild.replaceWith(icon("copy"));
    name.textContent = say("copy");
  }, 1600);
}

/** Write a text to the clipboard, also where the page has no secure address. Returns whether that went well. */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const { activeElement } = document;
    const carrier = element("textarea", { class: "unseen", "aria-hidden": "true" });
    carrier.value = text;
    document.body.append(carrier);
    carrier.select();
    const done = document.execCommand("copy");
    carrier.remove();
    activeElement.focus();
    return done;
  }
}

/** Begin to listen; `ask` asks anew, `settle` says that the text is what was meant. */
export function startTranslation({ ask, settle }) {
  const wordOf = (event) => event.target.closest(".word");
  const pointAt = (event, byKeyboard) => {
    const word = wordOf(event);
    tell(word && alignment?.show("target", Number(word.dataset.number)), byKeyboard);
  };
  output.addEventListener("pointerover", (event) => pointAt(event, false));
  output.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") tell(null);
  });
  output.addEventListener("focusin", (event) => pointAt(event, true));
  output.addEventListener("focusout", () => tell(null));
  output.addEventListener("keydown", walk);
  others.addEventListener("toggle", () => {
    if (shown && others.open && !shown.answer.alternatives.length) ask();
  });
  find("copy").addEventListener("click", () => {
    settle();
    copy();
  });
}
