// Pages that are read: times in the reader's own zone, forms that follow what is chosen, and the printer.

import { localiseTimes } from "./times.js";

localiseTimes(document);
document.getElementById("print")?.addEventListener("click", () => print());
for (const form of document.querySelectorAll("form[data-follow]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) form.requestSubmit();
  });
}
