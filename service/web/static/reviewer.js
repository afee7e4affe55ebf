// Who decides: asked once, kept in this browser.

const KEY = "kensa.reviewer";
const dialog = document.getElementById("reviewer-dialog");
const field = document.getElementById("reviewer-name");
const button = document.getElementById("reviewer-button");

export function currentReviewer() {
  return localStorage.getItem(KEY) ?? "";
}

/** The reviewer's name, asked for where it is not known; "" where the person would rather not. */
export async function requireReviewer() {
  return currentReviewer() || askReviewer();
}

async function askReviewer() {
  field.value = currentReviewer();
  dialog.returnValue = "";
  dialog.showModal();
  field.select();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const name = field.value.trim();
  if (dialog.returnValue !== "named" || !name) return "";
  localStorage.setItem(KEY, name);
  show();
  return name;
}

function show() {
  button.querySelector("[data-reviewer]").textContent = currentReviewer() || "Who are you?";
}

dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (field.value.trim()) dialog.close("named");
});
dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close(""));
button.addEventListener("click", askReviewer);
show();
