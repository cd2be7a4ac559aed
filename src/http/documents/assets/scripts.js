// The script in the editor: an example, one from a link, or the visitor's own. It is kept for the
// lifetime of the tab, so that it survives reloads and navigation.

import { EXAMPLES } from "./examples.js";
import { fromLink } from "./link.js";

const STORED = "script";
/** Milliseconds after the last keystroke at which the script is stored. */
const STORE_DELAY = 300;

const OWN = "own";
const LINK = "link";

export class Scripts {
  #editor;
  #menu;
  #loaded;
  #broken;
  /** The visitor's own script and the one from a link, or null. */
  #own = null;
  #linked = null;
  #timer;

  /** `loaded` is called after another script was put into the editor, with its example, if it is one;
   *  `broken` is called if a link is damaged. */
  constructor(editor, menu, { loaded, broken }) {
    this.#editor = editor;
    this.#menu = menu;
    this.#loaded = loaded;
    this.#broken = broken;
    this.#begin();
    editor.onchange = () => this.#changed();
    menu.addEventListener("change", () => this.#show(this.#text(menu.value)));
    addEventListener("hashchange", () => this.#follow());
    addEventListener("pagehide", () => this.#store());
  }

  #begin() {
    const stored = read();
    this.#own = stored.own ?? null;
    this.#linked = stored.linked ?? null;
    const link = fromLink(location.hash);
    if (typeof link === "string" && link !== this.#own) this.#linked = link;
    const text = link ?? this.#text(stored.source) ?? EXAMPLES[0].script;
    this.#editor.begin(text);
    this.#renderMenu();
    this.#loaded(exampleOf(text));
    if (link === undefined) this.#broken();
  }

  /** Opens the link that was pasted into the address bar. */
  #follow() {
    const link = fromLink(location.hash);
    if (link === undefined) {
      this.#broken();
    } else if (link !== null) {
      if (link !== this.#own) this.#linked = link;
      this.#show(link);
    } else if (location.hash === "" && this.#source() === LINK) {
      // The visitor went back to the page before the link.
      this.#show(this.#own ?? EXAMPLES[0].script);
    }
  }

  #show(text) {
    if (text === undefined || text === this.#editor.text) return;
    this.#editor.replace(text);
    this.#loaded(exampleOf(text));
  }

  #changed() {
    const text = this.#editor.text;
    if (this.#source() === OWN) this.#own = text;
    // Removes an outdated script from the URL.
    if (fromLink(location.hash) !== null && fromLink(location.hash) !== text) {
      history.replaceState(null, "", location.pathname + location.search);
    }
    this.#renderMenu();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#store(), STORE_DELAY);
  }

  /** Returns the source of the script in the editor: the name of an example, LINK or OWN. */
  #source() {
    const text = this.#editor.text;
    return exampleOf(text)?.name ?? (text === this.#linked && text !== this.#own ? LINK : OWN);
  }

  /** Returns the script from `source`, or undefined if there is none. */
  #text(source) {
    const example = EXAMPLES.find(({ name }) => name === source);
    return example?.script ?? { [OWN]: this.#own, [LINK]: this.#linked }[source] ?? undefined;
  }

  #renderMenu() {
    const names = EXAMPLES.map(({ name, title }) => [name, title]);
    if (this.#linked !== null) names.unshift([LINK, "Shared script"]);
    if (this.#own !== null) names.unshift([OWN, "Your script"]);
    if (names.length !== this.#menu.options.length) {
      this.#menu.replaceChildren(...names.map(([name, title]) => new Option(title, name)));
    }
    this.#menu.value = this.#source();
  }

  #store() {
    clearTimeout(this.#timer);
    write({ source: this.#source(), own: this.#own, linked: this.#linked });
  }
}

function exampleOf(text) {
  return EXAMPLES.find(({ script }) => script === text);
}

// Storage may be forbidden or full; the page works without it.

function read() {
  try {
    return Object(JSON.parse(sessionStorage.getItem(STORED)));
  } catch {
    return {};
  }
}

function write(state) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(state));
  } catch {}
}
