// Signing in: by name and password, or by a link whose token stands behind the #.

import { problemOf } from "./station.js";
import { words } from "./words.js";

const form = document.getElementById("sign-in");
const refusal = document.getElementById("refusal");

async function signIn(address, wanted) {
  refusal.hidden = true;
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(wanted),
    }).catch(() => null);
    if (answer?.ok) location.replace(form.dataset.next);
    else refuse(answer ? await problemOf(answer) : words("The service does not answer. Try again."));
  } finally {
    form.removeAttribute("aria-busy");
  }
}

function refuse(message) {
  refusal.textContent = message;
  refusal.hidden = false;
  form.elements.password.select();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn("/api/v1/session", { name: form.elements.name.value, password: form.elements.password.value });
});

const token = location.hash.slice(1);
if (token) {
  // Out of the address bar and the history, whether it signs in or not.
  history.replaceState(null, "", location.pathname + location.search);
  signIn("/api/v1/session/link", { token });
}
