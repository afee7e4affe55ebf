// A link that signs a person in: shown once, ready to be copied.

import { postChange } from "./forms.js";

async function make(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const told = form.querySelector("[data-problem]");
  const made = form.querySelector("[data-made]");
  told.textContent = "";
  try {
    const link = await postChange(form.dataset.link, {});
    made.value = location.origin + link.path;
    made.parentElement.hidden = false;
    made.focus();
    made.select();
  } catch (error) {
    told.textContent = error.message;
  }
}

for (const form of document.querySelectorAll("form[data-link]")) form.addEventListener("submit", make);
