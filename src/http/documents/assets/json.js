// Reads JSON without turning its numbers into JavaScript's, which have too few digits.

/** The index after the string that begins at `at`. */
function stringEnd(text, at) {
  for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
    if (text[at] === "\\") at += 1;
  }
  return at + 1;
}

/** The index after the value that begins at `at`, in an object. */
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

/** The text of the result in the body of an answer, or undefined if it does not begin with one. */
export function resultText(body) {
  const start = '{"result":';
  return body.startsWith(start) ? body.slice(start.length, valueEnd(body, start.length)) : undefined;
}

/** `text` with line breaks and indentation, no more of it than about `most` characters. */
export function pretty(text, most) {
  let out = "";
  let depth = 0;
  let at = 0;
  const newline = () => `\n${"  ".repeat(depth)}`;
  while (at < text.length && out.length < most) {
    const character = text[at];
    let end = at + 1;
    if (character === '"') {
      end = stringEnd(text, at);
      // Escapes are for transport; people read letters.
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
