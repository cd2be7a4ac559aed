// The output of a run. It is text from a stranger and never becomes anything but text.

import { copies } from "./copy.js";
import { pretty, resultText } from "./json.js";

/** Characters of one output that are shown; more would only make the browser slow. */
const MOST_SHOWN = 100_000;
/** Characters of an output that a screen reader is given at once. */
const MOST_ANNOUNCED = 300;
/** A line of the script in a traceback or in an error. */
const LINE = /(?<=script\.py"?, )line (\d+)/g;
const OUTPUTS = ["error", "stderr", "result", "stdout"];

const $ = (id) => document.getElementById(id);

export class Output {
  #gotoLine;
  /** Each output without its end cut off. */
  #whole = new Map();

  /** `gotoLine` is called with the number of a line that was clicked. */
  constructor(gotoLine) {
    this.#gotoLine = gotoLine;
    for (const id of OUTPUTS) copies($(`copy-${id}`), () => this.#whole.get(id)());
  }

  /** Nothing has been run: shows `sample`, a response that is known beforehand, if there is one. */
  idle(sample, status = "Not run yet") {
    this.#clear();
    if (sample !== undefined) {
      this.#show("result", pretty(sample.result, Infinity));
      this.#show("stdout", sample.stdout);
    }
    $("hint").textContent =
      sample === undefined
        ? "The result of main() and the text that the script prints will be shown here."
        : "This example always returns and prints the same. Run it to see how long it takes.";
    this.#outcome("idle", status);
  }

  running() {
    this.#outcome("running", "Running…");
  }

  /** There is no response, because of `message`. */
  failed(message) {
    this.#clear();
    this.#show("error", message);
    this.#outcome("bad", "The service cannot be reached", message);
  }

  /** Shows a response; returns the line of the script that it is about, if there is one. */
  response(response, body, roundTrip) {
    this.#clear();
    const answer = read(body);
    const text = (name) => (typeof answer[name] === "string" ? answer[name] : "");
    const times = timings(response.headers.get("Server-Timing"));
    showFacts(response, times, roundTrip);
    this.#show("stdout", text("stdout"));

    const run = times.get("run");
    if (response.ok && "result" in answer) {
      const result = resultText(body) ?? JSON.stringify(answer.result);
      // One character more than is shown tells that there is more.
      const whole = () => pretty(result, Infinity);
      this.#show("result", pretty(result, MOST_SHOWN + 1), { whole });
      const time = run === undefined ? "" : ` in ${duration(run)}`;
      this.#outcome("good", `Returned${time}`, `Result: ${$("result").textContent}`);
      return undefined;
    }
    const kind = response.headers.get("X-Error-Kind") ?? `HTTP ${response.status}`;
    const error = text("error") || "This response is not from Python Executor: is there a proxy?";
    const stderr = text("stderr");
    // A traceback ends with the error, which then need not be shown twice.
    const reported = stderr.split("\n").findLast((line) => isReport(line, error));
    this.#show("error", reported === undefined ? error : "");
    this.#show("stderr", stderr, { reported });
    const time = run === undefined ? "" : ` after ${duration(run)}`;
    this.#outcome("bad", `Failed${time}: ${kind}`, error);
    const lines = [...(stderr || error).matchAll(LINE)];
    return lines.length === 0 ? undefined : Number(lines.at(-1)[1]);
  }

  #clear() {
    $("facts").replaceChildren();
    for (const id of OUTPUTS) this.#show(id, "");
  }

  #outcome(state, text, details = "") {
    $("answer").dataset.state = state;
    $("status").textContent = text;
    $("hint").hidden = state !== "idle";
    $("live").textContent = state === "idle" ? "" : `${text}. ${details.slice(0, MOST_ANNOUNCED)}`;
  }

  /** Shows `text` under the heading it belongs to, or hides the heading; `reported` is the line with
   *  the error. `whole` gives the text to be copied. */
  #show(id, text, { whole = () => text, reported } = {}) {
    const cut = text.length > MOST_SHOWN;
    const shown = cut ? text.slice(0, MOST_SHOWN) : text;
    if (id === "error" || id === "stderr") {
      $(id).replaceChildren(...this.#withLines(shown, reported));
    } else {
      $(id).textContent = shown;
    }
    $(id).parentElement.hidden = text === "";
    $(`${id}-note`).textContent = cut ? `the first ${MOST_SHOWN.toLocaleString("en")} characters` : "";
    this.#whole.set(id, whole);
  }

  /** `text` with buttons that go to the lines of the script, and with emphasis on `reported`. */
  *#withLines(text, reported) {
    const report = reported === undefined ? -1 : text.lastIndexOf(reported);
    const traceback = report === -1 ? text : text.slice(0, report);
    let at = 0;
    for (const match of traceback.matchAll(LINE)) {
      yield traceback.slice(at, match.index);
      const button = element("button", match[0]);
      button.type = "button";
      button.className = "goto";
      button.addEventListener("click", () => this.#gotoLine(Number(match[1])));
      yield button;
      at = match.index + match[0].length;
    }
    yield traceback.slice(at);
    if (report === -1) return;
    yield element("strong", reported);
    yield text.slice(report + reported.length);
  }
}

/** Whether `line` of a traceback says what `error` says. */
function isReport(line, error) {
  // In a group of exceptions, lines begin with a frame.
  const text = line.replace(/^[\s|]+/, "");
  return text !== "" && text === error.replace(/ \(script\.py, line \d+\)$/, "");
}

/** The members of a response, as far as it is one of this service's. */
function read(body) {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

/** The names and milliseconds of `queue;dur=0.1, run;dur=2`. */
function timings(header) {
  const parts = (header ?? "").matchAll(/([\w-]+);dur=([\d.]+)/g);
  return new Map(Array.from(parts, ([, name, time]) => [name, Number(time)]));
}

/** Milliseconds for people: three digits. */
function duration(time) {
  const [value, unit] = time < 1000 ? [time, "ms"] : [time / 1000, "s"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

function showFacts(response, times, roundTrip) {
  const facts = [
    ...Array.from(times, ([name, time]) => [name, duration(time)]),
    ["round trip", duration(roundTrip)],
    ["status", String(response.status)],
  ];
  const id = response.headers.get("X-Request-Id");
  if (id !== null) facts.push(["request", id]);
  $("facts").replaceChildren(
    ...facts.map(([name, value]) => {
      const group = document.createElement("div");
      group.append(element("dt", name), element("dd", value));
      return group;
    }),
  );
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
