// The playground: sends the script to POST /execute and shows what comes back. What comes back is
// text from a stranger and never anything but text.

import { copies } from "./copy.js";
import { Editor } from "./editor.js";
import { EXAMPLES } from "./examples.js";
import { pretty, resultText } from "./json.js";
import { fromLink, toLink } from "./link.js";

/** Characters of one output that are shown; more would only make the browser slow. */
const MOST_SHOWN = 100_000;
const KEY = "key";

const $ = (id) => document.getElementById(id);
const url = new URL("execute", location.href).href;
const editor = new Editor($("script"), $("colours"));
let running = null;

function outcome(state, text) {
  $("answer").dataset.state = state;
  $("status").textContent = text;
  // Below the script, where there is no room beside it, nobody would see the answer.
  const hidden = $("status").getBoundingClientRect().bottom > innerHeight;
  if (hidden && (state === "good" || state === "bad")) $("answer").scrollIntoView();
}

/** Shows `text` under the heading it belongs to, or that there is none. */
function show(id, text) {
  const block = $(id);
  const cut = text.length > MOST_SHOWN;
  block.textContent = cut ? text.slice(0, MOST_SHOWN) : text;
  block.parentElement.hidden = text === "";
  $(`${id}-note`).textContent = cut ? `the first ${MOST_SHOWN.toLocaleString("en")} characters` : "";
}

/** `queue;dur=0.1, run;dur=2` as pairs. */
function timings(header) {
  return (header ?? "").split(",").flatMap((part) => {
    const [, name, time] = /^\s*([\w-]+);dur=([\d.]+)/.exec(part) ?? [];
    return name === undefined ? [] : [[name, Number(time)]];
  });
}

/** Milliseconds for people: three digits. */
function duration(time) {
  const [value, unit] = time < 1000 ? [time, "ms"] : [time / 1000, "s"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

function showFacts(response, roundTrip) {
  const facts = [
    ...timings(response.headers.get("Server-Timing")).map(([name, time]) => [name, duration(time)]),
    ["round trip", duration(roundTrip)],
    ["status", String(response.status)],
  ];
  const id = response.headers.get("X-Request-Id");
  if (id !== null) facts.push(["request", id]);
  $("facts").replaceChildren(
    ...facts.map(([name, value]) => {
      const [group, term, description] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = name;
      description.textContent = value;
      group.append(term, description);
      return group;
    }),
  );
}

/** The members of an answer, as far as it is one of this service's. */
function read(body) {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

function showAnswer(response, body, roundTrip) {
  const answer = read(body);
  const text = (name) => (typeof answer[name] === "string" ? answer[name] : "");
  showFacts(response, roundTrip);
  show("stdout", text("stdout"));
  show("stderr", text("stderr"));
  if (response.ok && "result" in answer) {
    const result = resultText(body) ?? JSON.stringify(answer.result);
    // One character more than is shown tells that there is more.
    show("result", pretty(result, MOST_SHOWN + 1));
    show("error", "");
    outcome("good", `Returned after ${duration(roundTrip)}`);
    return;
  }
  const kind = response.headers.get("X-Error-Kind");
  show("result", "");
  show("error", text("error") || "The answer is not one of Python Executor: is there a proxy?");
  outcome("bad", kind === null ? `Failed: HTTP ${response.status}` : `Failed: ${kind}`);
  const line = /script\.py", line (\d+)(?![^]*script\.py", line)/.exec(text("stderr"));
  if (line !== null) editor.mark(Number(line[1]));
  if (response.status === 401) askForKey();
}

function askForKey() {
  $("key-panel").open = true;
  $("key").focus();
}

async function run() {
  if (running !== null) return;
  running = new AbortController();
  $("run").hidden = true;
  $("stop").hidden = false;
  const focused = document.activeElement === document.body || document.activeElement === $("run");
  if (focused) $("stop").focus();
  outcome("running", "Running…");
  const start = performance.now();
  try {
    const headers = { "Content-Type": "application/json" };
    const key = $("key").value.trim();
    if (key !== "") headers.Authorization = `Bearer ${key}`;
    const body = JSON.stringify({ script: editor.text });
    const response = await fetch(url, { method: "POST", headers, body, signal: running.signal });
    const answer = await response.text();
    showAnswer(response, answer, performance.now() - start);
  } catch (error) {
    const stopped = error.name === "AbortError";
    for (const id of ["result", "stdout", "stderr"]) show(id, "");
    show("error", stopped ? "" : String(error.message));
    $("facts").replaceChildren();
    outcome(stopped ? "idle" : "bad", stopped ? "Stopped" : "The service cannot be reached");
  } finally {
    running = null;
    const back = document.activeElement === $("stop");
    $("stop").hidden = true;
    $("run").hidden = false;
    if (back) $("run").focus({ preventScroll: true });
  }
}

/** The same request for a terminal. The key stays out of it: commands end up in histories. */
function curl() {
  const quote = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const lines = [`curl ${quote(url)}`, `  -H 'Content-Type: application/json'`];
  if ($("key").value.trim() !== "") lines.push(`  -H "Authorization: Bearer $KEY"`);
  lines.push(`  -d ${quote(JSON.stringify({ script: editor.text }))}`);
  return lines.join(" \\\n");
}

function showCurl() {
  if ($("curl-panel").open) $("curl").textContent = curl();
}

$("run").addEventListener("click", run);
$("stop").addEventListener("click", () => running?.abort());
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) {
    event.preventDefault();
    run();
  }
});

for (const button of document.querySelectorAll("[data-example]")) {
  button.addEventListener("click", () => {
    editor.replace(EXAMPLES[button.dataset.example]);
    history.replaceState(null, "", location.pathname);
    showCurl();
  });
}

$("curl-panel").addEventListener("toggle", showCurl);
$("script").addEventListener("input", showCurl);
copies($("copy-curl"), curl);
copies($("copy-link"), () => toLink(editor.text));

// It lives as long as the tab: storage may be forbidden, which then is as good as none.
try {
  $("key").value = sessionStorage.getItem(KEY) ?? "";
} catch {}
$("key").addEventListener("input", () => {
  try {
    sessionStorage.setItem(KEY, $("key").value);
  } catch {}
  showCurl();
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) $("modifier").textContent = "⌘";

// A script from a link is shown, and not run before somebody says so.
const linked = fromLink(location.hash);
if (linked !== null) {
  editor.begin(linked);
} else if (editor.text === "") {
  editor.begin(EXAMPLES.hello);
}
