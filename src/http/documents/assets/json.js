// Reads JSON as text: JavaScript numbers have too few digits for those of Python.

/** Returns the index after the string that begins at `at`. */
function stringEnd(text, at) {
  for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
    if (text[at] === "\\") at += 1;
  }
  return at + 1;
}

/** Returns the index after the value that begins at `at`, inside an object. */
function valueEnd(text, at) {
  let depth = 0;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (depth === 0 && (character === "," || character === "}")) break;
    if (character === "{" || character === "[") depth += 1;
    if (character === "}" || character === "]") depth -= 1;
    at += 1;
  }
  return at;
}

/** Returns the JSON text of the result in a response body, or undefined if it does not begin with one. */
export function resultText(body) {
  const start = '{"result":';
  return body.startsWith(start) ? body.slice(start.length, valueEnd(body, start.length)) : undefined;
}

/** Returns `text` with line breaks and indentation, cut after about `max` characters. */
export function pretty(text, max) {
  let out = "";
  let depth = 0;
  let at = 0;
  const newline = () => `\n${"  ".repeat(depth)}`;
  while (at < text.length && out.length < max) {
    const character = text[at];
    let end = at + 1;
    if (character === '"') {
      end = stringEnd(text, at);
      // Show the characters that escapes stand for.
      out += JSON.stringify(JSON.parse(text.slice(at, end)));
    } else if (character === "{" || character === "[") {
      const empty = /\s*[}\]]/y;
      empty.lastIndex = end;
      if (empty.test(text)) {
        end = empty.lastIndex;
        out += character === "{" ? "{}" : "[]";
      } else {
        depth += 1;
        out += character + newline();
      }
    } else if (character === "}" || character === "]") {
      depth -= 1;
      out += newline() + character;
    } else if (character === ",") {
      out += `,${newline()}`;
    } else if (character === ":") {
      out += ": ";
    } else if (character.trim() !== "") {
      out += character;
    }
    at = end;
  }
  return out;
}
