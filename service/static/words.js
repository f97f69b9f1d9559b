/** The words of the interface in its two languages. The table is JSON, so that the tests can read it. */

import { find, announce } from "./elements.js";
import { keep } from "./kept.js";

const WORDS = {
  "en": {
    "title": "Hoiquy: translation and sentiment",
    "skip": "Skip to the text",
    "tabs": "What to do",
    "translation": "Translation",
    "sentiment": "Sentiment",
    "history": "History",
    "close": "Close",
    "switch": "Tiếng Việt",
    "theme-auto": "Theme: as the system",
    "theme-light": "Theme: light",
    "theme-dark": "Theme: dark",
    "text": "Text",
    "type": "Type, paste or drop a text",
    "clear": "Clear",
    "examples": "Examples",
    "open": "Open a file",
    "drop": "Drop the file here",
    "count": "{count} of {limit} characters",
    "appears": "The translation appears as you type.",
    "judged": "How the text feels appears as you type.",
    "copy": "Copy",
    "copied": "Copied",
    "not-copied": "Not copied: the browser does not allow it",
    "align": "Show which words became which",
    "align-hint": "Point at a word to see its source.",
    "confidence": "Confidence {percent}",
    "took": "{time} ms",
    "alternatives": "Other translations",
    "alternatives-none": "There is no other translation.",
    "alternatives-html": "There are none for HTML.",
    "truncated": "The end of the translation may be missing.",
    "untranslated": "Nothing was translated: the text may be no English, or a name, or have no words.",
    "unread": "This looks like {language}, which is not read here.",
    "misread": "This looks like {language}, and was read as if it were {read}.",
    "or": " or ",
    "label-positive": "Positive",
    "label-negative": "Negative",
    "label-neutral": "Neutral",
    "label-none": "Undecided",
    "telling": "Telling words",
    "gladder": "makes the text sound more positive",
    "sadder": "makes the text sound more negative",
    "towards": "speaks for “{label}”",
    "against": "speaks against “{label}”",
    "stronger": "The stronger the colour, the greater the share.",
    "explain": "Colour the words by their share",
    "documents": "Files",
    "options": "Options",
    "glossary": "Glossary",
    "glossary-example": "bank = ngân hàng",
    "glossary-hint": "A line for each term: term = translation",
    "glossary-problem": "No “term = translation” in line {lines}.",
    "protect": "Leave as they are",
    "protect-hint": "A line for each term that is not to be translated",
    "html": "The text is HTML",
    "html-hint": "Tags stay around what they stood around.",
    "private": "What you type goes to this server only, and is neither kept nor logged there.",
    "api": "API",
    "key-now": "at once",
    "key-tabs": "what to do",
    "key-clear": "clear",
    "history-hint": "The last 30 texts, in this browser only.",
    "history-empty": "Nothing yet.",
    "history-off": "Nothing is remembered.",
    "remember": "Remember texts and options here",
    "forget": "Delete all",
    "delete": "Delete",
    "key-needed": "A key is needed",
    "key-hint": "This server asks for an API key. It is forgotten when this tab closes.",
    "key-refused": "This key was refused. Is it whole?",
    "key": "Key",
    "cancel": "Cancel",
    "use-key": "Use the key",
    "give-key": "Give a key",
    "ready": "Ready.",
    "not-ready": "Not ready.",
    "waiting": "Waiting for the server.",
    "again": "Try again",
    "again-in": "Again in {seconds} s",
    "error-offline": "The server cannot be reached.",
    "error-busy": "The server is busy.",
    "error-unready": "The model is not ready.",
    "error-slow": "This took too long. Try less text at once.",
    "error-long": "The text is too long: {count} characters, and {limit} are allowed.",
    "error-large": "That is too much at once: {message}.",
    "error-refused": "The server does not take this: {message}.",
    "error-internal": "Something went wrong on the server. Its log says what, under {request}.",
    "error-answer": "The server answered something that this page does not understand.",
    "file-kind": "cannot be read here; these can: {kinds}",
    "file-encoding": "is not a UTF-8 text",
    "file-size": "is larger than the {limit} that are taken",
    "characters": "{count} characters",
    "file-sending": "is being sent",
    "file-queued": "waits for its turn",
    "file-translating": "{done} of {total}",
    "file-fetching": "is being fetched",
    "file-done": "is translated",
    "file-error": "could not be translated: {message}",
    "file-progress": "Progress of “{name}”",
    "download": "Download",
    "remove": "Remove"
  },
  "vi": {
    "title": "Hoiquy: dịch và cảm xúc",
    "skip": "Tới ô văn bản",
    "tabs": "Việc cần làm",
    "translation": "Dịch",
    "sentiment": "Cảm xúc",
    "history": "Lịch sử",
    "close": "Đóng",
    "switch": "English",
    "theme-auto": "Giao diện: theo hệ thống",
    "theme-light": "Giao diện: sáng",
    "theme-dark": "Giao diện: tối",
    "text": "Văn bản",
    "type": "Gõ, dán hoặc thả văn bản vào đây",
    "clear": "Xoá",
    "examples": "Ví dụ",
    "open": "Mở tệp",
    "drop": "Thả tệp vào đây",
    "count": "{count} trên {limit} ký tự",
    "appears": "Bản dịch hiện ra ngay khi bạn gõ.",
    "judged": "Cảm xúc của văn bản hiện ra ngay khi bạn gõ.",
    "copy": "Sao chép",
    "copied": "Đã sao chép",
    "not-copied": "Chưa sao chép được: trình duyệt không cho phép",
    "align": "Xem từ nào dịch thành từ nào",
    "align-hint": "Trỏ vào một từ để xem từ gốc.",
    "confidence": "Độ tin cậy {percent}",
    "took": "{time} ms",
    "alternatives": "Các cách dịch khác",
    "alternatives-none": "Không có cách dịch nào khác.",
    "alternatives-html": "Không có cách dịch khác cho HTML.",
    "truncated": "Bản dịch có thể thiếu phần cuối.",
    "untranslated": "Chưa dịch gì: văn bản có thể không phải tiếng Anh, hoặc là tên riêng, hoặc không có từ nào.",
    "unread": "Văn bản này có vẻ là {language}, thứ tiếng không đọc được ở đây.",
    "misread": "Văn bản này có vẻ là {language}, nhưng đã được đọc như {read}.",
    "or": " hoặc ",
    "label-positive": "Tích cực",
    "label-negative": "Tiêu cực",
    "label-neutral": "Trung tính",
    "label-none": "Chưa rõ",
    "telling": "Những từ quyết định",
    "gladder": "làm văn bản nghe tích cực hơn",
    "sadder": "làm văn bản nghe tiêu cực hơn",
    "towards": "nghiêng về “{label}”",
    "against": "ngược với “{label}”",
    "stronger": "Màu càng đậm, phần đóng góp càng lớn.",
    "explain": "Tô màu các từ theo phần đóng góp",
    "documents": "Tệp",
    "options": "Tuỳ chọn",
    "glossary": "Bảng thuật ngữ",
    "glossary-example": "bank = ngân hàng",
    "glossary-hint": "Mỗi dòng một thuật ngữ: từ = cách dịch",
    "glossary-problem": "Dòng {lines} không có dạng “từ = cách dịch”.",
    "protect": "Giữ nguyên",
    "protect-hint": "Mỗi dòng một từ không cần dịch",
    "html": "Văn bản là HTML",
    "html-hint": "Các thẻ vẫn bao quanh đúng phần của chúng.",
    "private": "Những gì bạn gõ chỉ được gửi đến máy chủ này, không được lưu hay ghi lại ở đó.",
    "api": "API",
    "key-now": "làm ngay",
    "key-tabs": "chọn việc",
    "key-clear": "xoá",
    "history-hint": "30 văn bản gần nhất, chỉ lưu trong trình duyệt này.",
    "history-empty": "Chưa có gì.",
    "history-off": "Không ghi nhớ gì.",
    "remember": "Ghi nhớ văn bản và tuỳ chọn tại đây",
    "forget": "Xoá tất cả",
    "delete": "Xoá",
    "key-needed": "Cần có khoá",
    "key-hint": "Máy chủ này yêu cầu khoá API. Khoá sẽ bị quên khi bạn đóng thẻ này.",
    "key-refused": "Khoá này không được chấp nhận. Bạn đã nhập đủ chưa?",
    "key": "Khoá",
    "cancel": "Huỷ",
    "use-key": "Dùng khoá",
    "give-key": "Nhập khoá",
    "ready": "Sẵn sàng.",
    "not-ready": "Chưa sẵn sàng.",
    "waiting": "Đang chờ máy chủ.",
    "again": "Thử lại",
    "again-in": "Thử lại sau {seconds} giây",
    "error-offline": "Không kết nối được với máy chủ.",
    "error-busy": "Máy chủ đang bận.",
    "error-unready": "Mô hình chưa sẵn sàng.",
    "error-slow": "Việc này mất quá nhiều thời gian. Hãy thử với văn bản ngắn hơn.",
    "error-long": "Văn bản quá dài: {count} ký tự, trong khi chỉ được {limit}.",
    "error-large": "Quá nhiều trong một lần: {message}.",
    "error-refused": "Máy chủ không nhận: {message}.",
    "error-internal": "Máy chủ gặp lỗi. Nhật ký của máy chủ cho biết lỗi gì, ở mã {request}.",
    "error-answer": "Máy chủ trả lời điều mà trang này không hiểu.",
    "file-kind": "không đọc được ở đây; đọc được: {kinds}",
    "file-encoding": "không phải văn bản UTF-8",
    "file-size": "lớn hơn mức cho phép là {limit}",
    "characters": "{count} ký tự",
    "file-sending": "đang được gửi",
    "file-queued": "đang chờ đến lượt",
    "file-translating": "{done} trên {total}",
    "file-fetching": "đang được tải về",
    "file-done": "đã dịch xong",
    "file-error": "không dịch được: {message}",
    "file-progress": "Tiến độ của “{name}”",
    "download": "Tải xuống",
    "remove": "Bỏ"
  }
};

/** The language of the interface, "en" or "vi". */
export const language = () => document.documentElement.lang;

/** A phrase of the interface, with values in the places of their names. */
export function say(key, values = {}) {
  return WORDS[language()][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A number as the interface's language writes it. */
export const number = (value, options) => new Intl.NumberFormat(language(), options).format(value);

/** A share of 1, in percent. */
export const percent = (share) => number(share, { style: "percent", maximumFractionDigits: share > 0.995 ? 1 : 0 });

/** What a language is called, by its code. */
export function languageName(code) {
  const name = new Intl.DisplayNames(language(), { type: "language" }).of(code);
  return name.charAt(0).toLocaleUpperCase(language()) + name.slice(1);
}

/** A label of the classifier as people call it. */
export function labelName(label) {
  if (label === null) return say("label-none");
  const known = ["positive", "negative", "neutral"].includes(label);
  return known ? say(`label-${label}`) : label;
}

const CODES = "ar cs da de el en es fi fr he hi hu id it ja ko nl no pl pt ro ru sv sw th tl tr vi zh".split(" ");

/** A language that the service calls by its English name, in the interface's words. */
function languageCalled(name) {
  const english = new Intl.DisplayNames("en", { type: "language" });
  const code = CODES.find((one) => english.of(one) === name);
  return code && language() !== "en" ? new Intl.DisplayNames(language(), { type: "language" }).of(code) : name;
}

/** A warning of the service in the interface's words. */
export function warningSaid(warning) {
  const said = String(warning);
  if (said.startsWith("nothing was translated")) return say("untranslated");
  const [, name, read] = /^this looks like (\w+), (?:which is not read|and was read as if it were (.+))/.exec(said) ?? [];
  if (!name) return said;
  if (!read) return say("unread", { language: languageCalled(name) });
  return say("misread", { language: languageCalled(name), read: read.split(" or ").map(languageCalled).join(say("or")) });
}

/** Show in a paragraph what an answer warns of, or hide it. */
export function drawWarnings(paragraph, { warnings, truncated }) {
  const said = (Array.isArray(warnings) ? warnings : []).map(warningSaid);
  if (truncated) said.push(say("truncated"));
  paragraph.hidden = said.length === 0;
  paragraph.textContent = said.join(" ");
}

/** Write the page's fixed phrases in its language. */
export function translatePage() {
  document.title = say("title");
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = say(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-label]")) {
    node.setAttribute("aria-label", say(node.dataset.i18nLabel));
    if (node.matches("button")) node.title = say(node.dataset.i18nLabel);
  }
  for (const node of document.querySelectorAll("[data-i18n-placeholder]")) {
    node.placeholder = say(node.dataset.i18nPlaceholder);
  }
  const other = find("language");
  other.textContent = say("switch");
  other.lang = language() === "vi" ? "en" : "vi";
}

/** Change to the other language. */
export function switchLanguage() {
  document.documentElement.lang = language() === "vi" ? "en" : "vi";
  keep("language", language());
  translatePage();
  announce(document.title);
}
