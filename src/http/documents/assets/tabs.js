// Tabs, selected with the pointer or the arrow keys.

/** Sets up the tabs in `list`; returns a function that selects one of them. */
export function tabs(list, selected) {
  const all = [...list.querySelectorAll("[role=tab]")];

  const select = (chosen) => {
    for (const tab of all) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    }
    selected?.(chosen);
  };

  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  list.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const at = all.indexOf(event.target);
    if (step === undefined || at === -1 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    select(next);
    next.focus();
  });
  for (const tab of all) tab.addEventListener("click", () => select(tab));
  return select;
}
