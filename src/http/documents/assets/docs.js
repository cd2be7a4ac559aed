// Puts the URL of this service into the examples.

import { copyButtons } from "./copy.js";

const here = new URL(".", location.href).href.replace(/\/$/, "");
for (const code of document.querySelectorAll("figure code")) {
  code.textContent = code.textContent.replaceAll("http://localhost:8080", here);
}
copyButtons(document);
