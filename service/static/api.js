/** The service: what the page asks of it, and how it refuses. Texts travel in bodies, never in addresses. */

import { say } from "./words.js";

const KEY = "hoiquy.key";
const SOON = 3; // seconds until a service is asked again that does not say when
const SENT = /^[\x21-\x7e]+$/; // what a header can carry
const KINDS = { 401: "Auth", 403: "Auth", 404: "NotFound", 413: "TooLarge", 429: "RateLimited" }; // of who has no body of ours
let key = readKey();

function readKey() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Whether a key is sent. */
export const hasKey = () => key !== "";

/** Send this key from now on; it is kept as long as the tab is open. */
export function useKey(value) {
  key = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Then until the page is left.
  }
}

/** Why there is no answer. */
export class Refusal extends Error {
  /**
   * @param {string} kind the `error_type` of the service's error body, or "Offline" or "Answer"
   * @param {string} key of the sentence for people
   * @param {object} words what it names
   * @param {number} retryAfter seconds until it may be tried again; 0 when trying again would not help
   * @param {string} detail what the service itself said
   */
  constructor(kind, key, { words = {}, retryAfter = 0, detail = "" } = {}) {
    super();
    this.kind = kind;
    this.said = { key, words };
    this.retryAfter = retryAfter;
    this.detail = detail;
  }

  /** The sentence, in the language that the page has by now. */
  get message() {
    return say(this.said.key, this.said.words);
  }
}

/** Ask the service; raises Refusal, or the AbortError of the signal. */
export async function call(path, { json, ...options } = {}) {
  const headers = new Headers({ Accept: "application/json" });
  if (key && !SENT.test(key)) throw new Refusal("Auth", "key-refused");
  if (key) headers.set("X-API-Key", key);
  if (json) {
    headers.set("Content-Type", "application/json");
    options = { ...options, method: "POST", body: JSON.stringify(json) };
  }
  let response;
  try {
    response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("Offline", "error-offline", { retryAfter: SOON });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** What the service's one error body says, in the words of the page. */
async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  const kind = typeof body.error_type === "string" ? body.error_type : (KINDS[response.status] ?? "Internal");
  const message = String(body.message ?? `${response.status} ${response.statusText}`).trim().replace(/\.$/, "");
  const wait = { retryAfter: retryAfter(response) || SOON };
  switch (kind) {
    case "RateLimited":
    case "Overloaded":
      return new Refusal(kind, response.status === 503 ? "error-unready" : "error-busy", wait);
    case "Timeout":
      return new Refusal(kind, "error-slow");
    case "Auth":
      return new Refusal(kind, hasKey() ? "key-refused" : "key-needed");
    case "TooLarge":
      return new Refusal(kind, "error-large", { words: { message }, detail: message });
    case "Internal":
      // A balancer whose servers are all away has no body of ours.
      if ([502, 503, 504].includes(response.status)) return new Refusal("Offline", "error-offline", wait);
      return new Refusal(kind, "error-internal", { words: { request: response.headers.get("X-Request-ID") ?? "?" } });
    default:
      return new Refusal(kind, "error-refused", { words: { message }, detail: message });
  }
}

/** The seconds that a Retry-After asks for, of at most two minutes; it may be a number or a date. */
function retryAfter(response) {
  const value = response.headers.get("Retry-After");
  if (value === null) return 0;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 1), 120) : 0;
}

/** The first entry of a list in an answer; raises Refusal when it is not what was agreed. */
function first(body, list, isOne) {
  const found = body?.[list]?.[0];
  if (!found || !isOne(found)) throw new Refusal("Answer", "error-answer");
  return found;
}

/** The milliseconds that the service says it took. */
function took(response) {
  const match = /(?:^|,)\s*total;dur=([\d.]+)/.exec(response.headers.get("Server-Timing") ?? "");
  return match ? Number(match[1]) : null;
}

const json = (response) => response.json().catch(() => null);

/** Translate a text: the answer's entry for it, and `took`. */
export async function translate(text, options, signal) {
  const response = await call("translate", { json: { text, ...options }, signal });
  const found = first(await json(response), "translations", (entry) => typeof entry.text === "string");
  return { ...found, took: took(response) };
}

/** Classify a text: the answer's entry for it. */
export async function classify(text, options, signal) {
  const response = await call("sentiment", { json: { text, ...options }, signal });
  return first(await json(response), "results", (entry) => entry.scores !== null && typeof entry.scores === "object");
}

/** What is served, and the limits. */
export async function info() {
  return (await json(await call("info"))) ?? {};
}
