// The editor: a textarea over a layer that shows the same text with syntax highlighting. Users, screen
// readers and the browser's undo interact with the textarea; the layer is only visible.

import { highlight } from "./python.js";

const INDENT = "    ";
/** Characters up to which text is highlighted; with more, typing would lag. */
const MAX_HIGHLIGHTED = 100_000;

export class Editor {
  #textarea;
  #layer;
  #frame;
  #shown = [];
  #leaving = false;
  #frameRequest = 0;
  /** Called after every change by typing, pasting, undo or `replace`. */
  onchange = () => {};

  constructor(textarea, layer) {
    this.#textarea = textarea;
    this.#layer = layer;
    this.#frame = textarea.parentElement;
    textarea.addEventListener("input", () => this.#changed());
    textarea.addEventListener("keydown", (event) => this.#key(event));
    textarea.addEventListener("blur", () => (this.#leaving = false));
    // The browser may restore the text when the visitor comes back.
    addEventListener("pageshow", () => this.#draw());
    this.#draw();
  }

  get text() {
    return this.#textarea.value;
  }

  /** Replaces the whole text, which the browser's undo can revert. */
  replace(text) {
    const before = document.activeElement;
    this.#textarea.focus({ preventScroll: true });
    this.#textarea.select();
    this.#insert(text);
    this.#textarea.setSelectionRange(0, 0);
    this.#frame.scrollTo(0, 0);
    this.#textarea.blur();
    before?.focus({ preventScroll: true });
  }

  /** Sets the initial text, which undo cannot revert. */
  begin(text) {
    this.#textarea.value = text;
    this.#draw();
  }

  /** Marks a line, counted from 1, until the next change. */
  mark(line) {
    this.#unmark();
    this.#layer.children[line - 1]?.classList.add("marked");
  }

  /** Moves the caret to the first character of the code on a line, counted from 1. */
  goto(line) {
    const before = this.text.split("\n").slice(0, line - 1);
    const start = before.reduce((sum, { length }) => sum + length + 1, 0);
    const caret = start + /^[^\S\n]*/.exec(this.text.slice(start))[0].length;
    this.#textarea.focus({ preventScroll: true });
    this.#textarea.setSelectionRange(caret, caret);
    this.mark(line);
    this.#layer.children[line - 1]?.scrollIntoView({ block: "center", inline: "nearest" });
  }

  #unmark() {
    for (const line of this.#layer.querySelectorAll(".marked")) line.classList.remove("marked");
  }

  #changed() {
    this.#unmark();
    this.#draw();
    this.#revealSoon();
    this.onchange();
  }

  /** Draws the lines from the first to the last that have changed. */
  #draw() {
    const plain = this.text.length > MAX_HIGHLIGHTED;
    this.#frame.classList.toggle("plain", plain);
    const lines = plain ? [] : highlight(this.text);
    const keys = lines.map((line) => line.map(({ kind, text }) => `${kind} ${text}`).join("\0"));
    const before = this.#shown;
    const shorter = Math.min(keys.length, before.length);
    let same = 0;
    while (same < shorter && keys[same] === before[same]) same += 1;
    let tail = 0;
    while (tail < shorter - same && keys.at(-1 - tail) === before.at(-1 - tail)) tail += 1;

    for (let line = before.length - tail; line > same; line -= 1) this.#layer.children[same].remove();
    const fresh = lines.slice(same, lines.length - tail).map(drawLine);
    const rest = this.#layer.children[same] ?? null;
    for (const line of fresh) this.#layer.insertBefore(line, rest);
    this.#shown = keys;
  }

  /** Scrolls to the caret after the next frame. Browsers do so after some keys only, because the whole
   *  textarea is always in view for them. */
  #revealSoon() {
    cancelAnimationFrame(this.#frameRequest);
    this.#frameRequest = requestAnimationFrame(() => this.#reveal());
  }

  #reveal() {
    const before = this.text.slice(0, this.#caret());
    const line = this.#layer.children[before.split("\n").length - 1];
    if (line === undefined) return;
    const { top, bottom } = line.getBoundingClientRect();
    const x = edge(line, before.length - lineStart(before, before.length));
    const frame = this.#frame.getBoundingClientRect();
    const style = getComputedStyle(this.#frame);
    const room = (side) => parseFloat(style[`scrollPadding${side}`]);
    const right = frame.left + this.#frame.clientWidth - room("Right");
    const end = frame.top + this.#frame.clientHeight - room("Bottom");
    this.#frame.scrollBy(
      Math.min(x - frame.left - room("Left"), 0) || Math.max(x - right, 0),
      Math.min(top - frame.top - room("Top"), 0) || Math.max(bottom - end, 0),
    );
  }

  /** Returns the end of the selection that moves. */
  #caret() {
    const { selectionStart, selectionEnd, selectionDirection } = this.#textarea;
    return selectionDirection === "backward" ? selectionStart : selectionEnd;
  }

  #key(event) {
    const { selectionStart: start, selectionEnd: end } = this.#textarea;
    requestAnimationFrame(() => {
      if (start !== this.#textarea.selectionStart || end !== this.#textarea.selectionEnd) this.#reveal();
    });
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const leaving = this.#leaving;
    this.#leaving = event.key === "Escape" || (leaving && event.key === "Shift");
    if (event.key === "Tab" && !leaving) {
      event.preventDefault();
      this.#indent(event.shiftKey);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#insert(`\n${this.#nextIndent()}`);
    } else if (event.key === "Backspace" && this.#dedentBeforeCaret()) {
      event.preventDefault();
    } else if (event.key === "PageUp" || event.key === "PageDown") {
      if (this.#page(event.key === "PageUp" ? -1 : 1, event.shiftKey)) event.preventDefault();
    }
  }

  /** Moves the caret by the visible lines; for the browser, a page is the whole script. */
  #page(direction, extend) {
    const height = this.#layer.firstChild?.offsetHeight ?? 0;
    if (height === 0) return false;
    const step = Math.max(Math.floor(this.#frame.clientHeight / height) - 2, 1);
    const lines = this.text.split("\n");
    const caret = this.#caret();
    const row = this.text.slice(0, caret).split("\n").length - 1;
    const to = Math.min(Math.max(row + direction * step, 0), lines.length - 1);
    const column = Math.min(caret - lineStart(this.text, caret), lines[to].length);
    const target = lines.slice(0, to).reduce((sum, { length }) => sum + length + 1, column);
    const { selectionStart: start, selectionEnd: end } = this.#textarea;
    const anchor = !extend ? target : caret === start ? end : start;
    this.#textarea.setSelectionRange(
      Math.min(anchor, target),
      Math.max(anchor, target),
      target < anchor ? "backward" : "forward",
    );
    return true;
  }

  /** Tab and Shift-Tab: indents the selected lines, or inserts spaces up to the next column. */
  #indent(back) {
    const { selectionStart: start, selectionEnd: end, value } = this.#textarea;
    const from = lineStart(value, start);
    if (!back && !value.slice(start, end).includes("\n")) {
      this.#insert(" ".repeat(INDENT.length - ((start - from) % INDENT.length)));
      return;
    }
    const until = value.indexOf("\n", Math.max(start, end - 1));
    const to = until === -1 ? value.length : until;
    const moved = value
      .slice(from, to)
      .replace(back ? /^(?: {1,4}|\t)/gm : /^(?=.)/gm, back ? "" : INDENT);
    if (moved === value.slice(from, to)) return;
    this.#textarea.setSelectionRange(from, to);
    this.#insert(moved);
    if (start === end) {
      const caret = Math.max(from, start + moved.length - (to - from));
      this.#textarea.setSelectionRange(caret, caret);
    } else {
      this.#textarea.setSelectionRange(from, from + moved.length);
    }
  }

  /** Returns the indentation of the next line. */
  #nextIndent() {
    const { selectionStart: caret, value } = this.#textarea;
    const line = value.slice(lineStart(value, caret), caret);
    const code = line.replace(/#.*$/, "").trimEnd();
    const indent = line.slice(0, line.length - line.trimStart().length);
    if (/[:([{]$/.test(code)) return indent + INDENT;
    if (/^\s*(?:return|pass|break|continue|raise)\b/.test(code)) return indent.slice(INDENT.length);
    return indent;
  }

  /** Backspace within the indentation removes a whole level. */
  #dedentBeforeCaret() {
    const { selectionStart: caret, selectionEnd: end, value } = this.#textarea;
    const from = lineStart(value, caret);
    const before = value.slice(from, caret);
    if (caret !== end || !/^ +$/.test(before) || before.length % INDENT.length !== 0) return false;
    this.#textarea.setSelectionRange(caret - INDENT.length, caret);
    this.#insert("");
    return true;
  }

  /** Replaces the selection with `text`. Only the old command keeps the undo history. */
  #insert(text) {
    const done =
      text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text);
    if (done) return;
    const { selectionStart: start, selectionEnd: end } = this.#textarea;
    this.#textarea.setRangeText(text, start, end, "end");
    this.#changed();
  }
}

function lineStart(text, at) {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** Returns the position of the character `column` of a drawn line, in pixels from the left of the window. */
function edge(line, column) {
  const range = document.createRange();
  range.selectNodeContents(line);
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let left = column;
  while (walker.nextNode()) {
    const { length } = walker.currentNode;
    if (left <= length) {
      range.setEnd(walker.currentNode, left);
      break;
    }
    left -= length;
  }
  const start = line.getBoundingClientRect().left + parseFloat(getComputedStyle(line).paddingLeft);
  return column === 0 ? start : range.getBoundingClientRect().right;
}

function drawLine(pieces) {
  const line = document.createElement("span");
  line.className = "line";
  for (const { kind, text } of pieces) {
    if (kind === "plain") {
      line.append(text);
    } else {
      const piece = document.createElement("span");
      piece.className = kind;
      piece.textContent = text;
      line.append(piece);
    }
  }
  return line;
}
