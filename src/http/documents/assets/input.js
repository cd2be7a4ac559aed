// Input of a run: arguments, standard input, files, and whether the script is a cell.

const $ = (id) => document.getElementById(id);

export class Input {
  /** Paths of files, and their contents as JSON text. */
  #files = new Map();
  #changed;

  /** `changed` is called after every change. */
  constructor(changed) {
    this.#changed = () => {
      this.#render();
      $("args-problem").hidden = true;
      changed();
    };
    $("input-toggle").addEventListener("click", () => this.#open($("input").hidden));
    for (const id of ["args", "stdin", "cell"]) $(id).addEventListener("input", this.#changed);
    $("add-files").addEventListener("click", () => $("file-picker").click());
    $("file-picker").addEventListener("change", () => this.#add($("file-picker").files));
    this.#render();
  }

  /** Whether the input is valid; if it is not, it is shown with the reason. */
  check() {
    const problem = this.#problem();
    $("args-problem").textContent = problem;
    $("args-problem").hidden = problem === "";
    if (problem === "") return true;
    this.#open(true);
    $("args").focus();
    return false;
  }

  /** Returns the body of a request with `script` and these `options`, as JSON text. */
  body(script, options = {}) {
    // The arguments stay text, because JavaScript numbers have too few digits.
    const members = [`"script":${JSON.stringify(script)}`];
    const args = $("args").value.trim();
    if (args !== "" && this.#problem() === "") members.push(`"${args.startsWith("[") ? "args" : "kwargs"}":${args}`);
    if ($("stdin").value !== "") members.push(`"stdin":${JSON.stringify($("stdin").value)}`);
    if (this.#files.size > 0) {
      const files = Array.from(this.#files, ([path, json]) => `${JSON.stringify(path)}:${json}`);
      members.push(`"files":{${files.join(",")}}`);
    }
    const all = $("cell").checked ? { mode: "cell", ...options } : options;
    if (Object.keys(all).length > 0) members.push(`"options":${JSON.stringify(all)}`);
    return `{${members.join(",")}}`;
  }

  /** Returns what is wrong with the arguments. */
  #problem() {
    const text = $("args").value.trim();
    if (text === "") return "";
    try {
      const value = JSON.parse(text);
      return Object(value) === value ? "" : "Write an array, such as [1, 2], or an object.";
    } catch (error) {
      return `This is not JSON: ${error.message}`;
    }
  }

  #open(open) {
    $("input").hidden = !open;
    $("input-toggle").setAttribute("aria-expanded", String(open));
  }

  async #add(files) {
    for (const file of files) this.#files.set(file.name, await contents(file));
    // The same file can be chosen again.
    $("file-picker").value = "";
    this.#changed();
  }

  #render() {
    const used = ["args", "stdin"].filter((id) => $(id).value !== "").length + this.#files.size;
    $("input-toggle").textContent = used === 0 ? "Input" : `Input (${used})`;
    $("input-files").replaceChildren(
      ...Array.from(this.#files.keys(), (path) => {
        const item = document.createElement("li");
        const remove = document.createElement("button");
        remove.type = "button";
        remove.className = "quiet copy";
        remove.textContent = "Remove";
        remove.setAttribute("aria-label", `Remove ${path}`);
        remove.addEventListener("click", () => {
          this.#files.delete(path);
          this.#changed();
        });
        item.append(path, " ", remove);
        return item;
      }),
    );
  }
}

/** Returns the contents of a file as JSON text: a string, or bytes in base64. */
async function contents(file) {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return JSON.stringify(decoder.decode(await file.arrayBuffer()));
  } catch {
    const reader = new FileReader();
    const read = new Promise((resolve) => (reader.onload = resolve));
    reader.readAsDataURL(file);
    await read;
    return JSON.stringify({ base64: reader.result.replace(/^[^,]*,/, "") });
  }
}
