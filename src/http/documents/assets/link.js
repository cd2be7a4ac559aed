// A script in the fragment of an address, which browsers do not send.

const NAME = "#script=";

/** The address of this page with `script` in it. */
export function toLink(script) {
  const bytes = new TextEncoder().encode(script);
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const code = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  // The length comes first: it tells when a mail program has cut the end off.
  return `${location.href.replace(/#.*/, "")}${NAME}${code.length}.${code}`;
}

/** The script in the fragment `hash`: null when there is none, undefined when it is damaged. */
export function fromLink(hash) {
  if (!hash.startsWith(NAME)) return null;
  // Other programs make links without the length.
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
