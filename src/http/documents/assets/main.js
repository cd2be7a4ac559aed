// The playground: sends the script to POST /execute and shows the response.

import { copies } from "./copy.js";
import { Editor } from "./editor.js";
import { Input } from "./input.js";
import { toLink } from "./link.js";
import { Output } from "./output.js";
import { Scripts } from "./scripts.js";
import { EVENTS, finalResponse, hasEvents, lines } from "./stream.js";
import { tabs } from "./tabs.js";

const KEY = "key";

const $ = (id) => document.getElementById(id);
const url = new URL("execute", location.href).href;
const editor = new Editor($("script"), $("colours"));
const output = new Output((line) => editor.goto(line));
const input = new Input(() => showCurl());
/** Keys of the response that the page shows. */
const INCLUDE = ["stderr", "usage", "files", "kind"];
let running = null;

async function run() {
  if (running !== null || !input.check()) return;
  const script = editor.text;
  const body = input.body(script, { include: INCLUDE });
  running = new AbortController();
  notice("");
  select($("output-tab"));
  $("run").hidden = true;
  $("stop").hidden = false;
  const focused = document.activeElement === document.body || document.activeElement === $("run");
  if (focused) $("stop").focus();
  output.running();
  const start = performance.now();
  try {
    const headers = { "Content-Type": "application/json", Accept: EVENTS };
    const key = $("key").value.trim();
    if (key !== "") headers.Authorization = `Bearer ${key}`;
    const response = await fetch(url, { method: "POST", headers, body, signal: running.signal });
    const ended = await read(response);
    const line = output.response(response.headers, ended, performance.now() - start);
    if (line !== undefined && editor.text === script) editor.mark(line);
    showOutput();
    if (response.status === 401) askForKey();
  } catch (error) {
    if (error.name === "AbortError") {
      output.idle(undefined, "Stopped");
    } else {
      output.failed(String(error.message));
    }
  } finally {
    running = null;
    const back = document.activeElement === $("stop");
    $("stop").hidden = true;
    $("run").hidden = false;
    if (back) $("run").focus({ preventScroll: true });
  }
}

/** Returns the status and the body of the response; output is shown as it arrives. */
async function read(response) {
  if (!hasEvents(response)) return { status: response.status, body: await response.text() };
  for await (const line of lines(response)) {
    if (line.startsWith('{"event":"response"')) return finalResponse(line);
    const { event, text } = JSON.parse(line);
    if (event === "stdout" || event === "stderr") output.live(event, text);
  }
  throw new Error("The connection was lost before the run ended.");
}

/** On narrow screens the output is below the script, possibly out of view. */
function showOutput() {
  if ($("status").getBoundingClientRect().bottom > innerHeight) $("response").scrollIntoView();
}

function askForKey() {
  $("key-panel").hidden = false;
  $("key").focus();
}

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = text === "";
}

/** Returns the same request as a curl command, without the key: commands end up in shell histories. */
function curl() {
  const quote = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const parts = [`curl ${quote(url)}`, `  -H 'Content-Type: application/json'`];
  if ($("key").value.trim() !== "") parts.push(`  -H "Authorization: Bearer $KEY"`);
  parts.push(`  -d ${quote(input.body(editor.text))}`);
  return parts.join(" \\\n");
}

function showCurl() {
  if (!$("curl-panel").hidden) $("curl").textContent = curl();
}

const select = tabs(document.querySelector("[role=tablist]"), showCurl);

new Scripts(editor, $("example"), {
  loaded(example) {
    notice("");
    // A script from a link is never run automatically.
    if (running === null) output.idle(example?.sample);
    showCurl();
  },
  broken() {
    notice("The link is damaged or incomplete, so its script was not opened.");
  },
});

$("run").addEventListener("click", run);
$("stop").addEventListener("click", () => running?.abort());
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) {
    event.preventDefault();
    run();
  }
});

$("script").addEventListener("input", () => {
  notice("");
  showCurl();
});
copies($("copy-curl"), curl);
copies($("copy-link"), () => {
  const link = toLink(editor.text);
  history.replaceState(null, "", link);
  return link;
});

// The key is kept for the lifetime of the tab, if the browser allows storage.
try {
  $("key").value = sessionStorage.getItem(KEY) ?? "";
} catch {}
if ($("key").value !== "") $("key-panel").hidden = false;
$("key").addEventListener("input", () => {
  try {
    sessionStorage.setItem(KEY, $("key").value);
  } catch {}
  showCurl();
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) $("modifier").textContent = "⌘";
