// The output of a run. It is untrusted and only ever inserted as text.

import { copies } from "./copy.js";
import { pretty, resultText } from "./json.js";
import { clearShown, show } from "./shown.js";

/** Characters shown of each output; more would make the browser slow. */
const MAX_SHOWN = 100_000;
/** Characters of an output that are announced to screen readers. */
const MAX_ANNOUNCED = 300;
/** A line number of the script in a traceback or an error. */
const LINE = /(?<=script\.py"?, )line (\d+)/g;
const OUTPUTS = ["error", "stderr", "result", "stdout"];

const $ = (id) => document.getElementById(id);

export class Output {
  #gotoLine;
  /** Functions that return each output in full. */
  #whole = new Map();

  /** `gotoLine` is called with the line number that was clicked. */
  constructor(gotoLine) {
    this.#gotoLine = gotoLine;
    for (const id of OUTPUTS) copies($(`copy-${id}`), () => this.#whole.get(id)());
  }

  /** Before a run: shows `sample`, the known response of an example, if there is one. */
  idle(sample, status = "Not run yet") {
    this.#clear();
    if (sample !== undefined) {
      this.#show("result", pretty(sample.result, Infinity));
      this.#show("stdout", sample.stdout);
    }
    $("hint").textContent =
      sample === undefined
        ? "The result of main() and the output of the script will be shown here."
        : "The result of this example is always the same. Run it to see how long it takes.";
    this.#outcome("idle", status);
  }

  running() {
    this.#outcome("running", "Running…");
  }

  /** Adds `text` to the output `id` of a run that goes on. */
  live(id, text) {
    if (!("live" in $("response").dataset)) {
      this.#clear();
      $("response").dataset.live = "";
    }
    const room = MAX_SHOWN - $(id).textContent.length;
    $(id).append(text.slice(0, Math.max(room, 0)));
    $(id).parentElement.hidden = false;
  }

  /** Shows that there is no response, because of `message`. */
  failed(message) {
    this.#clear();
    this.#show("error", message);
    this.#outcome("bad", "The service cannot be reached", message);
  }

  /** Shows a response; returns the line of the script where the error is, if there is one. */
  response(headers, { status, body }, roundTrip) {
    this.#clear();
    const members = parse(body);
    const text = (name) => (typeof members[name] === "string" ? members[name] : "");
    const times = timings(Object(members.usage));
    showFacts(headers, status, times, roundTrip);
    this.#show("stdout", text("stdout"));
    show(members);

    const run = times.get("run");
    if (status === 200 && "result" in members) {
      const result = resultText(body) ?? JSON.stringify(members.result);
      if (members.result === null && text("text") !== "") {
        // The value of a cell that has no JSON form.
        this.#show("result", members.text === "None" ? "" : members.text);
      } else {
        // One character more than is shown, so that the output is marked as cut off.
        const whole = () => pretty(result, Infinity);
        this.#show("result", pretty(result, MAX_SHOWN + 1), { whole });
      }
      this.#show("stderr", text("stderr"));
      const time = run === undefined ? "" : ` in ${duration(run)}`;
      this.#outcome("good", `Returned${time}`, `Result: ${$("result").textContent}`);
      return undefined;
    }
    const kind = members.kind ?? headers.get("X-Error-Kind") ?? `HTTP ${status}`;
    const error = text("error") || "This response is not from Python Executor. Check whether a proxy is in between.";
    const stderr = text("stderr");
    // A traceback ends with the error, which is then not shown twice.
    const reported = stderr.split("\n").findLast((line) => isReport(line, error));
    this.#show("error", reported === undefined ? error : "");
    this.#show("stderr", stderr, { reported });
    const time = run === undefined ? "" : ` after ${duration(run)}`;
    this.#outcome("bad", `Failed${time}: ${kind}`, error);
    const lines = [...(stderr || error).matchAll(LINE)];
    return lines.length === 0 ? undefined : Number(lines.at(-1)[1]);
  }

  #clear() {
    delete $("response").dataset.live;
    $("facts").replaceChildren();
    clearShown();
    for (const id of OUTPUTS) this.#show(id, "");
  }

  #outcome(state, text, details = "") {
    $("response").dataset.state = state;
    $("status").textContent = text;
    $("hint").hidden = state !== "idle";
    $("live").textContent = state === "idle" ? "" : `${text}. ${details.slice(0, MAX_ANNOUNCED)}`;
  }

  /** Shows `text` under its heading, or hides the heading if it is empty. `reported` is the line with the
   *  error; `whole` returns the text for copying. */
  #show(id, text, { whole = () => text, reported } = {}) {
    const cut = text.length > MAX_SHOWN;
    const shown = cut ? text.slice(0, MAX_SHOWN) : text;
    if (id === "error" || id === "stderr") {
      $(id).replaceChildren(...this.#withLines(shown, reported));
    } else {
      $(id).textContent = shown;
    }
    $(id).parentElement.hidden = text === "";
    $(`${id}-note`).textContent = cut ? `the first ${MAX_SHOWN.toLocaleString("en")} characters` : "";
    this.#whole.set(id, whole);
  }

  /** Yields `text` with buttons for line numbers and with `reported` emphasized. */
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

/** Whether `line` of a traceback is the same as `error`. */
function isReport(line, error) {
  // The lines of an exception group are indented with bars.
  const text = line.replace(/^[\s|]+/, "");
  return text !== "" && text === error.replace(/ \(script\.py, line \d+\)$/, "");
}

/** Returns the members of a response body; none if it is not from this service. */
function parse(body) {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

/** Returns names and milliseconds for the usage of a run. */
function timings(usage) {
  const names = { queue: usage.queue_ms, start: usage.start_ms, run: usage.wall_ms, cpu: usage.cpu_ms };
  return new Map(Object.entries(names).filter(([, time]) => typeof time === "number"));
}

/** Formats milliseconds with three digits. */
function duration(time) {
  const [value, unit] = time < 1000 ? [time, "ms"] : [time / 1000, "s"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

function showFacts(headers, status, times, roundTrip) {
  const facts = [
    ...Array.from(times, ([name, time]) => [name, duration(time)]),
    ["round trip", duration(roundTrip)],
    ["status", String(status)],
  ];
  const id = headers.get("X-Request-Id");
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
