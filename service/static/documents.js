/** Files: small texts are read into the box, others are translated by the service, piece by piece, and fetched back. */

import { Refusal, call } from "./api.js";
import { element, find, iconButton } from "./elements.js";
import { showRefusal } from "./notice.js";
import { options } from "./options.js";
import * as source from "./source.js";
import { countPoints } from "./spans.js";
import { number, say, warningSaid } from "./words.js";

const FIRST_WAIT = 400; // milliseconds between two looks at how far it is; each wait is longer than the one before
const LONGEST_WAIT = 2000;
const ENDS = ["done", "error"];

let kinds = [];
let most = Infinity; // characters of a text
let largest = Infinity; // bytes of a file
let settle = () => {}; // lets the present text be kept
const jobs = new Set();

/** Heed what the server takes. */
export function limitDocuments({ documents, limits }) {
  const taken = limits.max_documents === 0 ? [] : documents?.kinds;
  kinds = Array.isArray(taken) ? taken.filter((kind) => /^\.\w+$/.test(kind)) : [];
  most = limits.max_text_characters ?? most;
  largest = limits.max_document_bytes ?? largest;
  find("file").accept = [...new Set([".txt", ...kinds])].join();
}

const ending = (name) => /\.\w+$/.exec(name)?.[0].toLowerCase() ?? "";

/** Open files that were dropped or chosen; a text that comes alone may go into the box. */
async function openFiles(files) {
  for (const file of files) await openFile(file, files.length === 1);
}

async function openFile(file, isAlone) {
  const kind = ending(file.name);
  const isKnown = kinds.includes(kind);
  if (kind === ".txt" && (isAlone || !isKnown) && (await readIntoBox(file))) return;
  const megabytes = { style: "unit", unit: "megabyte", maximumFractionDigits: 1 };
  if (isKnown && file.size <= largest) translateFile(file);
  else if (isKnown) drawJob(file.name).fail("file-size", () => ({ limit: number(largest / 2 ** 20, megabytes) }));
  else if (kind === ".txt") drawJob(file.name).fail("file-size", () => ({ limit: say("characters", { count: number(most) }) }));
  else drawJob(file.name).fail("file-kind", { kinds: [...new Set([".txt", ...kinds])].join(" ") });
}

/** Read a text into the box, if it fits there. Returns whether there is nothing more to do. */
async function readIntoBox(file) {
  if (file.size > 4 * most) return false;
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    drawJob(file.name).fail("file-encoding");
    return true;
  }
  if (countPoints(text) > most) return false;
  settle();
  source.replace(text.replace(/\r\n?/g, "\n"), true);
  return true;
}

/** A pause, that the signal may end with an AbortError. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("removed", "AbortError"));
    });
  });
}

/** Ask again as long as the service says when. */
async function patiently(path, options, tries = 5) {
  try {
    return await call(path, options);
  } catch (error) {
    if (!(error instanceof Refusal) || !error.retryAfter || tries === 0) throw error;
    await pause(1000 * error.retryAfter, options.signal);
    return patiently(path, options, tries - 1);
  }
}

async function translateFile(file) {
  const job = drawJob(file.name);
  const { signal } = job.controller;
  const body = new FormData();
  body.append("file", file);
  const { glossary, protect } = options();
  if (glossary) body.append("glossary", JSON.stringify(glossary));
  if (protect) body.append("protect", JSON.stringify(protect));
  try {
    job.state("file-sending");
    let status = await (await patiently("documents", { method: "POST", body, signal })).json();
    job.path = `documents/${encodeURIComponent(String(status.id))}`;
    for (let wait = FIRST_WAIT; !ENDS.includes(status.status); wait = Math.min(wait * 1.3, LONGEST_WAIT)) {
      job.progress(status);
      await pause(wait, signal);
      status = await (await patiently(job.path, { signal })).json();
    }
    if (status.status === "error") throw new Refusal("Answer", "error-answer", { detail: String(status.error) });
    job.state("file-fetching");
    const answer = await patiently(`${job.path}/result`, { signal });
    job.done(await answer.blob(), resultName(answer, file.name), status.warnings);
    forget(job);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.kind === "Auth") {
      job.remove();
      showRefusal(error, () => translateFile(file));
      return;
    }
    const message = () => (error instanceof Refusal ? error.detail || error.message : say("error-answer"));
    job.fail("file-error", () => ({ message: message().replace(/^file: /, "") }));
    forget(job);
  }
}

/** The name that the service gives the result; where it is the file's own, or none, another, so that both are kept. */
function resultName(answer, name) {
  const header = answer.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1];
  let given = /filename="?([^";]+)"?/i.exec(header)?.[1];
  try {
    if (encoded) given = decodeURIComponent(encoded);
  } catch {
    // Then the plain one.
  }
  return given && given !== name ? given : name.replace(/(\.\w+)$/, ".vi$1");
}

/** The service need not keep what was fetched, failed or is not wanted. */
function forget(job) {
  if (job.path) call(job.path, { method: "DELETE", keepalive: true }).catch(() => {});
  job.path = null;
}

/** A line of the list of files, and what can become of it. */
function drawJob(name) {
  const text = element("span", { class: "file-state", role: "status" });
  const bar = element("progress");
  const line = element("li", {}, element("span", { class: "said" }, name), bar, text);
  const job = { controller: new AbortController(), path: null };
  const link = element("a", { class: "main" });
  let address = null;
  let said = () => "";
  job.redraw = () => {
    text.textContent = said();
    link.textContent = say("download");
    bar.setAttribute("aria-label", say("file-progress", { name }));
    remove.title = say("remove");
    remove.setAttribute("aria-label", remove.title);
  };
  job.state = (key, values = {}, warnings = []) => {
    const told = () => (typeof values === "function" ? values() : values);
    said = () => [say(key, told()), ...warnings.map(warningSaid)].join(". ");
    job.redraw();
  };
  job.progress = ({ status, done, total }) => {
    if (total > 0 && done >= 0) {
      bar.max = total;
      bar.value = done;
    }
    const isUnderWay = status === "translating" && total > 0;
    job.state(isUnderWay ? "file-translating" : "file-queued", { done: number(done ?? 0), total: number(total ?? 0) });
  };
  job.done = (blob, fetchedName, warnings) => {
    address = URL.createObjectURL(blob);
    link.href = address;
    link.download = fetchedName;
    bar.replaceWith(link);
    job.state("file-done", {}, Array.isArray(warnings) ? warnings : []);
  };
  job.fail = (key, values) => {
    bar.remove();
    line.classList.add("failed");
    job.state(key, values);
  };
  job.remove = () => {
    job.controller.abort();
    forget(job);
    if (address) URL.revokeObjectURL(address);
    line.remove();
    jobs.delete(job);
    find("documents").hidden = jobs.size === 0;
  };
  const remove = iconButton("close", say("remove"), () => {
    job.remove();
    find("open-file").focus();
  });
  line.append(remove);
  job.redraw();
  jobs.add(job);
  find("document-list").append(line);
  find("documents").hidden = false;
  return job;
}

/** Write what is shown in the interface's new language. */
export function redrawDocuments() {
  for (const job of jobs) job.redraw();
}

/** Begin to listen; `keep` lets the present text be kept before another takes its place. */
export function startDocuments({ settle: keep }) {
  settle = keep;
  const chooser = find("file");
  find("open-file").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    openFiles([...chooser.files]);
    chooser.value = "";
  });
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const shade = (isShown) => document.body.classList.toggle("dropping", isShown);
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    shade(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) shade(false);
  });
  document.addEventListener("drop", (event) => {
    shade(false);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    openFiles([...event.dataTransfer.files]);
  });
}
