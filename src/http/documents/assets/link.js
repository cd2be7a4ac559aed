// A script in the fragment of an address, which browsers keep to themselves.

const NAME = "#script=";

/** The address of this page with `script` in it. */
export function toLink(script) {
  const bytes = new TextEncoder().encode(script);
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const code = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return location.href.replace(/#.*/, "") + NAME + code;
}

/** The script in the fragment `hash`, or null when there is none. */
export function fromLink(hash) {
  if (!hash.startsWith(NAME)) return null;
  try {
    const text = atob(hash.slice(NAME.length).replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  } catch {
    return null;
  }
}
