// What a script shows and makes besides text: images, HTML and files. All of it is untrusted: images are never
// documents, and HTML is only loaded into a frame without scripts, forms, links to elsewhere and this page's origin.

import { pretty } from "./json.js";

const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"];
/** Endings of files that are shown as images. */
const ENDINGS = { png: IMAGES[0], jpg: IMAGES[1], jpeg: IMAGES[1], gif: IMAGES[2], webp: IMAGES[3], svg: IMAGES[4] };

const $ = (id) => document.getElementById(id);
/** The URLs in use, which hold memory until they are revoked. */
let urls = [];

/** Removes everything. */
export function clearShown() {
  for (const url of urls) URL.revokeObjectURL(url);
  urls = [];
  for (const id of ["display", "files"]) {
    $(id).replaceChildren();
    $(id).parentElement.hidden = true;
  }
}

/** Shows the list `display` and the object `files` of a response body. */
export function show({ display, files }) {
  fill("display", Array.isArray(display) ? display.map((item) => shown(Object(item))) : []);
  fill("files", Object.entries(Object(files)).map(([path, contents]) => listed(path, contents)));
}

function fill(id, children) {
  $(id).replaceChildren(...children);
  $(id).parentElement.hidden = children.length === 0;
}

/** Returns the element for an item, an object from MIME types to contents. */
function shown(item) {
  const image = IMAGES.find((type) => type in item);
  if (image !== undefined) {
    const data = image.endsWith("xml") ? [String(item[image])] : [bytes(item[image])];
    return picture(url(data, image), String(item["text/plain"] ?? "Image"));
  }
  if ("text/html" in item) return frame(String(item["text/html"]));
  const [type, value] = Object.entries(item)[0] ?? ["", ""];
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return element("pre", type === "application/json" ? pretty(text, Infinity) : text);
}

/** Returns the element for a file: a link to download it, and the picture if it is one. */
function listed(path, contents) {
  const item = element("li", "");
  if (typeof contents !== "string" && contents?.base64 === undefined) {
    item.append(path, " ", element("small", `${size(Number(contents?.bytes))}, too large to be returned`));
    return item;
  }
  const data = typeof contents === "string" ? contents : bytes(contents.base64);
  const link = element("a", path);
  const blob = new Blob([data], { type: "application/octet-stream" });
  link.href = remember(URL.createObjectURL(blob));
  link.download = path.split("/").at(-1);
  item.append(link, " ", element("small", size(blob.size)));
  const type = ENDINGS[path.split(".").at(-1).toLowerCase()];
  if (type !== undefined) item.append(picture(url([data], type), path));
  return item;
}

function picture(source, text) {
  const image = element("img", "");
  image.src = source;
  image.alt = text;
  return image;
}

/** Returns a frame whose document may do nothing but be seen. */
function frame(html) {
  const made = element("iframe", "");
  made.setAttribute("sandbox", "");
  made.title = "HTML";
  made.src = url([html], "text/html; charset=utf-8");
  return made;
}

function url(data, type) {
  return remember(URL.createObjectURL(new Blob(data, { type })));
}

function remember(made) {
  urls.push(made);
  return made;
}

/** Decodes base64; nothing is left of what is not. */
function bytes(base64) {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

function size(count) {
  if (count < 1000) return count === 1 ? "1 byte" : `${count} bytes`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
