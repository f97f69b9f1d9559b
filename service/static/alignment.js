/** Which word became which: the links of an answer, and the words of both sides that they light up. */

import { element, find } from "./elements.js";
import * as source from "./source.js";
import { bare, fill, placed } from "./spans.js";
import { percent } from "./words.js";

const isSpan = (span) => Array.isArray(span) && span.length === 2;

/** An answer's links as numbers into lists of spans; what is no link is left out. */
export function readLinks(alignment) {
  const spans = { source: new Map(), target: new Map() };
  const numberOf = (side, span) => {
    const known = spans[side];
    const name = span.join();
    if (!known.has(name)) known.set(name, { span, number: known.size });
    return known.get(name).number;
  };
  const isLink = (link) => isSpan(link?.source) && isSpan(link?.target) && link.weight > 0;
  const links = (Array.isArray(alignment) ? alignment : []).filter(isLink).map((link) => ({
    source: numberOf("source", link.source),
    target: numberOf("target", link.target),
    weight: Math.min(link.weight, 1),
  }));
  const list = (side) => [...spans[side].values()].map(({ span }) => span);
  return { links, source: list("source"), target: list("target") };
}

/** The words of a text and its translation, of which any lights up its partners on the other side. */
export class Alignment {
  /** Mark the words in the source and write the translation into `output`. */
  constructor(output, translation, alignment) {
    const { links, source: from, target } = readLinks(alignment);
    this.links = links;
    this.words = {
      source: source.mark(from),
      target: fill(output, translation, placed(translation, target), (word, number) =>
        element("span", { class: "word", "data-number": number, tabindex: "-1" }, word),
      ),
    };
    // The words are one stop of the Tab key; arrows go from one to the next.
    output.querySelector(".word")?.setAttribute("tabindex", "0");
    this.lit = [];
  }

  /** Whether there is anything to point at. */
  get isEmpty() {
    return this.links.length === 0;
  }

  clear() {
    for (const word of this.lit) word.classList.remove("active", "linked");
    this.lit = [];
  }

  /** Light up a word of a side and its partners. Returns what that means, in one line. */
  show(side, number) {
    this.clear();
    const other = side === "source" ? "target" : "source";
    const word = this.words[side][number];
    if (!word) return "";
    this.#light(word, "active");
    const partners = this.links
      .filter((link) => link[side] === number && this.words[other][link[other]])
      .sort((one, two) => two.weight - one.weight);
    for (const link of partners) this.#light(this.words[other][link[other]], "linked", link.weight);
    const said = partners.map((link) => `${bare(this.words[other][link[other]].textContent)} ${percent(link.weight)}`);
    return `${bare(word.textContent)} ${side === "source" ? "→" : "←"} ${said.join(", ")}`;
  }

  #light(word, name, weight = 1) {
    word.classList.add(name);
    word.style.setProperty("--weight", weight);
    this.lit.push(word);
  }
}

/** Move from word to word of the output with the keys. */
export function walk(event) {
  const words = [...find("output").querySelectorAll(".word")];
  const at = words.indexOf(event.target);
  const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: words.length - 1 };
  const next = words[steps[event.key]];
  if (at < 0 || !next) return;
  event.preventDefault();
  words[at].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
