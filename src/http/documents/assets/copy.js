// Copy buttons.

/** Copies `text`; returns whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS, except on localhost, browsers only support the old API.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus({ preventScroll: true });
    return done;
  }
}

/** Makes `button` copy the result of `text()`, and confirm it in its label for a moment. */
export function copies(button, text) {
  const label = button.textContent;
  let timer;
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text())) ? "Copied" : "Cannot copy";
    clearTimeout(timer);
    timer = setTimeout(() => (button.textContent = label), 2000);
  });
}

/** Adds a copy button to every block of code in `root`. */
export function copyButtons(root) {
  for (const block of root.querySelectorAll("figure")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    block.prepend(button);
    copies(button, () => block.querySelector("pre").textContent);
  }
}
