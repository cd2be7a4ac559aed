// Runs a Python script in the Python Executor, with fetch. Needs Node.js 20 or newer and no package. The
// class works in browsers, too: on pages of other origins if CORS_ORIGINS of the service lists them.
//
//   PYTHON_EXECUTOR_URL=http://localhost:8080 PYTHON_EXECUTOR_KEY=... node examples/run.mjs script.py
//
// Standard output is the result as JSON; standard error has the script's output and the error.
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

  /** Returns the value of main() and the output of the script. Waits while the service is busy. */
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
    let body;
    try {
      body = await response.json();
    } catch {
      // Something in between has responded, such as a proxy or a login page.
      throw new Error(`the status is ${response.status} and the body is not JSON`);
    }
    if (response.ok) return body;
    // syntax_error, exception, cpu_limit, memory_limit...
    if (response.status === 400 && kind && kind !== "invalid_request") throw new ScriptError(kind, body);
    throw new Error(`the status is ${response.status} (${kind}, request ${id}): ${body.error}`);
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
