// The light or dark theme: that of the system until the visitor chooses. Runs before anything is drawn.

"use strict";

{
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // Without storage, the choice lasts until the page is closed.
  const remember = (theme) => {
    try {
      localStorage.setItem("theme", theme);
    } catch {}
  };
  const remembered = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };

  const chosen = remembered();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const update = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember(root.dataset.theme);
      update();
    });
    dark.addEventListener("change", update);
    update();
  });
}
