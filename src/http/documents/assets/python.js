// Syntax highlighting for Python. It never fails and never backtracks: the time is proportional to the
// length, whatever the input.

const words = (text) => new Set(text.split(/\s+/));

const KEYWORDS = words(`and as assert async await break class continue def del elif else except
  finally for from global if import in is lambda nonlocal not or pass raise return try while with
  yield`);
const CONSTANTS = words("True False None Ellipsis NotImplemented");
const BUILTINS = words(`abs all any ascii bin bool bytearray bytes callable chr classmethod complex
  delattr dict dir divmod enumerate eval exec filter float format frozenset getattr globals hasattr
  hash hex id input int isinstance issubclass iter len list locals map max memoryview min next
  object oct open ord pow print property range repr reversed round set setattr slice sorted
  staticmethod str sum super tuple type vars zip`);

const PIECE = new RegExp(
  [
    String.raw`(?<blank>\s+)`,
    String.raw`(?<comment>#[^\n]*)`,
    String.raw`(?<quote>[rbuftRBUFT]{0,2}(?:'''|"""|'|"))`,
    String.raw`(?<number>(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+\-]?\d[\d_]*)?[jJ]?))`,
    String.raw`(?<decorator>@[\p{L}\p{Nl}_][\p{L}\p{N}\p{M}_.]*)`,
    String.raw`(?<name>[\p{L}\p{Nl}_][\p{L}\p{N}\p{M}_]*)`,
    String.raw`(?<other>[^])`,
  ].join("|"),
  "uy",
);

/** Returns the end of the string whose opening quotes end at `at`: its closing quotes, the end of the
 *  line if it may not span lines, or the end of the source. */
function stringEnd(source, at, quotes) {
  while (at < source.length) {
    const character = source[at];
    if (character === "\\") {
      at += 2;
    } else if (source.startsWith(quotes, at)) {
      return at + quotes.length;
    } else if (character === "\n" && quotes.length === 1) {
      return at;
    } else {
      at += 1;
    }
  }
  return source.length;
}

/** Returns the kind of a name, which depends on the token before it. */
function kindOfName(name, previous) {
  if (previous === "def" || previous === "class") return "definition";
  if (previous === ".") return "plain";
  if (KEYWORDS.has(name)) return "keyword";
  if (CONSTANTS.has(name)) return "constant";
  if (BUILTINS.has(name)) return "builtin";
  return "plain";
}

/** Yields the tokens of `source`, each a kind and a text. */
function* pieces(source) {
  let at = 0;
  let previous = "\n";
  while (at < source.length) {
    PIECE.lastIndex = at;
    const { groups, 0: text } = PIECE.exec(source);
    let end = at + text.length;
    let kind = "plain";
    if (groups.quote !== undefined) {
      kind = "string";
      end = stringEnd(source, end, text.replace(/^[a-z]*/i, ""));
    } else if (groups.comment !== undefined) {
      kind = "comment";
    } else if (groups.number !== undefined) {
      kind = "number";
    } else if (groups.decorator !== undefined) {
      // Except at the start of a line, @ is the operator of matrix multiplication.
      kind = previous === "\n" ? "decorator" : "plain";
    } else if (groups.name !== undefined) {
      kind = kindOfName(text, previous);
    }
    yield { kind, text: source.slice(at, end) };
    if (groups.blank === undefined) {
      previous = text;
    } else if (text.includes("\n")) {
      previous = "\n";
    }
    at = end;
  }
}

/** Returns the lines of `source`, each a list of tokens. */
export function highlight(source) {
  const lines = [[]];
  for (const { kind, text } of pieces(source)) {
    text.split("\n").forEach((part, index) => {
      if (index > 0) lines.push([]);
      if (part !== "") lines.at(-1).push({ kind, text: part });
    });
  }
  return lines;
}
