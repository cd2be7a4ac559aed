// Runs a Python script in the Python Executor, with fetch. Needs Node.js 20 or newer and no package. The
// class works in browsers, too: on pages of other origins once the service lists these in CORS_ORIGINS.
//
//   PYTHON_EXECUTOR_URL=http://localhost:8080 PYTHON_EXECUTOR_KEY=... node examples/run.mjs script.py
//
// Standard output is the result as JSON, standard error what the script printed and what went wrong.
// Exit code 0: main() returned; 1: the script is at fault; 2: anything else.

import { readFile } from "node:fs/promises";
import process from "node:process";

const TRIES = 6;
const BUSY = [429, 503];

/** The script is at fault: `kind` says how, for a program. */
class ScriptError extends Error {
  constructor(kind, { error, stdout, stderr }) {
    super(`${kind}: ${error}`);
    Object.assign(this, { kind, stdout, stderr });
  }
}

/** A service that runs Python scripts. */
class Executor {
  constructor(url, key) {
    this.url = new URL("/execute", url);
    this.headers = { "Content-Type": "application/json" };
    if (key) this.headers.Authorization = `Bearer ${key}`;
  }

  /** What main() returned, and what the script printed. Waits while the service is busy. */
  async run(script) {
    for (let tries = 1; ; tries++) {
      const response = await fetch(this.url, {
        method: "POST",
        headers: this.headers,
        body: JSON.stringify({ script }),
        signal: AbortSignal.timeout(60_000),
      });
      if (!BUSY.includes(response.status) || tries === TRIES) return this.#read(response);
      await response.body?.cancel();
      const seconds = Number(response.headers.get("Retry-After") ?? 1);
      console.error(`the service is busy, trying again in ${seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }

  async #read(response) {
    const kind = response.headers.get("X-Error-Kind");
    const id = response.headers.get("X-Request-Id");
    let answer;
    try {
      answer = await response.json();
    } catch {
      // Something between here and the service answered: a proxy, a login page.
      throw new Error(`the answer is ${response.status} and no JSON`);
    }
    if (response.ok) return answer;
    // syntax_error, exception, cpu_limit, memory_limit...
    if (response.status === 400 && kind && kind !== "invalid_request") throw new ScriptError(kind, answer);
    throw new Error(`the answer is ${response.status} (${kind}, request ${id}): ${answer.error}`);
  }
}

const { PYTHON_EXECUTOR_URL: url = "http://localhost:8080", PYTHON_EXECUTOR_KEY: key } = process.env;
try {
  if (process.argv.length !== 3) throw new Error("usage: node run.mjs script.py");
  const script = await readFile(process.argv[2], "utf8");
  const { result, stdout } = await new Executor(url, key).run(script);
  process.stderr.write(stdout);
  console.log(JSON.stringify(result));
} catch (error) {
  if (error instanceof ScriptError) {
    process.stderr.write(error.stdout + error.stderr);
    console.error(error.message);
    process.exitCode = 1;
  } else {
    // fetch() hides the reason, such as a refused connection, in the cause.
    console.error(error.cause?.message || error.cause?.code || error.message);
    process.exitCode = 2;
  }
}
