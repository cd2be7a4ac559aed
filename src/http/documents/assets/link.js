// Links with a script in the fragment of the URL, which browsers do not send to the server.

const NAME = "#script=";

/** Returns the URL of this page with `script` in it. */
export function toLink(script) {
  const bytes = new TextEncoder().encode(script);
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const code = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  // The length detects links that were cut off, for example by a mail program.
  return `${location.href.replace(/#.*/, "")}${NAME}${code.length}.${code}`;
}

/** Returns the script in the fragment `hash`: null if there is none, undefined if it is damaged. */
export function fromLink(hash) {
  if (!hash.startsWith(NAME)) return null;
  // The length is optional: links made by other programs may lack it.
  const [, length, code] = /^(?:(\d+)\.)?([\w+/-]+)=*$/.exec(hash.slice(NAME.length)) ?? [];
  if (code === undefined || (length !== undefined && Number(length) !== code.length)) return undefined;
  try {
    const text = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
