/** What the text feels like: the label, every label's probability, and what each word adds to it. */

import { classify } from "./api.js";
import { announce, element, find } from "./elements.js";
import * as source from "./source.js";
import { bare } from "./spans.js";
import { drawWarnings, labelName, number, percent, say } from "./words.js";

const MOST_TELLING = 6;
const LEAST = 0.08; // shares below this part of the full colour tell nothing
const STRONG = 1.5; // nats: where no word adds more than this, none has the full colour

let shown = null; // {answer, detailed, sign, scores: [[label, share]], shares: [{text, start, end, towards}]}
let words = [];

const isShare = (value) => typeof value === "number" && Number.isFinite(value);
const byShare = ([, one], [, other]) => other - one;

/** Which way a label points: colours say glad or sad, whatever the label is. 0: neither, as "neutral" and all others. */
const signOf = (label) => Number(label === "positive") - Number(label === "negative");

/** The colour of what is on this side: of glad and sad, or of for and against a label that is neither. */
const sideOf = (towards, sign) => (sign ? ["up", "down"] : ["for", "against"])[Number(towards < 0)];

/** The labels' probabilities, the likeliest first. */
function readScores(scores) {
  const found = Object.entries(scores).filter(([, share]) => isShare(share) && share >= 0 && share <= 1);
  return found.sort(byShare);
}

/** What each word adds to how glad the text sounds, or else to its label: an answer's scores are for its label. */
function readShares({ explanation, label }) {
  const list = Array.isArray(explanation) ? explanation : [];
  const sign = signOf(label) || 1;
  const isPiece = (piece) => piece && isShare(piece.score) && typeof piece.text === "string";
  return list.filter(isPiece).map(({ text, start, end, score }) => ({ text, start, end, towards: sign * score }));
}

export const sentiment = {
  instant: 120,
  limit: 1000,
  detailButton: find("explain"),

  /** Ask how the text feels, in detail with each word's share in it. */
  async ask(text, detailed, signal) {
    return classify(text, detailed ? { explain: true } : {}, signal);
  },

  show(answer, detailed) {
    const [scores, shares] = [readScores(answer.scores), readShares(answer)];
    shown = { answer, detailed, sign: signOf(answer.label), scores, shares };
    this.redraw();
    announce(this.gist, 900);
  },

  redraw() {
    if (!shown) return;
    const { scores, shares, detailed } = shown;
    find("sentiment-hint").hidden = true;
    find("verdict").hidden = false;
    find("label").textContent = labelName(shown.answer.label);
    find("label").className = shown.sign ? sideOf(shown.sign, shown.sign) : "";
    find("label-share").textContent = isShare(shown.answer.score) ? percent(shown.answer.score) : "";
    find("shares").replaceChildren(...scores.map(drawScore));
    drawWarnings(find("sentiment-warning"), shown.answer);
    find("explain").hidden = detailed;
    find("telling").hidden = shares.length === 0;
    if (shares.length) drawShares();
    else source.unmark();
    this.point(-1);
  },

  clear() {
    shown = null;
    words = [];
    find("sentiment-hint").hidden = false;
    find("verdict").hidden = true;
    find("share").textContent = "";
  },

  /** A word of the text is pointed at, or none. */
  point(at, byKeyboard) {
    words.forEach((word, index) => word.classList.toggle("active", index === at));
    const piece = shown?.shares[at];
    find("share").textContent = piece ? `${bare(piece.text)} ${signed(piece.towards)}: ${meaning(piece.towards)}` : "";
    if (piece && byKeyboard) announce(find("share").textContent);
  },

  get gist() {
    return shown ? `${labelName(shown.answer.label)} ${percent(shown.answer.score)}` : "";
  },

  get isDetailed() {
    return Boolean(shown?.detailed);
  },
};

const signed = (value) =>
  number(value, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "always" }).replace("-", "−");

/** What it means that a word's share has this sign. */
function meaning(towards) {
  if (shown.sign) return say(towards < 0 ? "sadder" : "gladder");
  return say(towards < 0 ? "against" : "towards", { label: labelName(shown.answer.label) });
}

function drawScore([label, share]) {
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, element("span"));
  const sign = signOf(label);
  bar.firstChild.style.setProperty("--share", share);
  bar.classList.add(sideOf(sign, sign));
  return element("li", {}, element("span", {}, labelName(label)), bar, element("span", { class: "figure" }, percent(share)));
}

/** Colour the words of the text, and name those that tell most. */
function drawShares() {
  const { shares, sign } = shown;
  const full = Math.max(STRONG, ...shares.map(({ towards }) => Math.abs(towards)));
  words = source.mark(shares.map(({ start, end }) => [start, end]));
  shares.forEach(({ towards }, index) => {
    if (!words[index] || Math.abs(towards) < LEAST * full) return;
    words[index].classList.add("share", sideOf(towards, sign));
    words[index].style.setProperty("--weight", Math.abs(towards) / full);
  });
  const telling = shares
    .map((share, index) => ({ ...share, index }))
    .filter(({ towards }) => Math.abs(towards) >= LEAST * full)
    .sort((one, other) => Math.abs(other.towards) - Math.abs(one.towards))
    .slice(0, MOST_TELLING);
  find("words").replaceChildren(...telling.map(drawTelling));
  for (const [id, towards] of [["legend-more", 1], ["legend-less", -1]]) {
    find(id).textContent = meaning(towards);
    find(id).previousElementSibling.className = `sample ${sideOf(towards, sign)}`;
  }
}

function drawTelling({ text, towards, index }) {
  const button = element(
    "button",
    { type: "button", class: sideOf(towards, shown.sign) },
    element("span", { class: "said" }, bare(text)),
    " ",
    element("span", { class: "figure" }, signed(towards)),
  );
  button.addEventListener("click", () => source.select(index));
  for (const [name, at] of [["pointerenter", index], ["focus", index], ["pointerleave", -1], ["blur", -1]]) {
    button.addEventListener(name, () => sentiment.point(at, name === "focus"));
  }
  return element("li", {}, button);
}
