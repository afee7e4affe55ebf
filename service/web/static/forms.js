// Forms that ask the service for a change: what was typed goes out as JSON, and the page is shown anew.

import { language, words } from "./words.js";

/** Ask for a change. Gives back the answer's JSON; throws an Error whose message a person can read: that of `told` for
 * the answer's status, where the form knows better what it means. */
export async function postChange(address, body, told = {}) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(address, options).catch(() => null);
  if (!answer) throw new Error(words("The service does not answer. Try again."));
  if (answer.ok) return answer.json();
  if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  const problem = await answer.json().catch(() => null);
  if (told[answer.status]) throw new Error(told[answer.status]);
  // What the service says in full is English.
  if (problem && language === "en") throw new Error(`${problem.detail}: ${problem.remedy}.`);
  throw new Error(known(answer.status));
}

function known(status) {
  const told = {
    403: words("Your role does not include this."),
    409: words("It was changed meanwhile. Look again."),
    422: words("A field is not right."),
    429: words("Too many attempts. Wait a minute and try again."),
    503: words("The service cannot store anything now. Try again in a moment."),
  };
  return told[status] ?? words("The service answered %(status)s.", { status });
}

function bodyOf(form) {
  const fields = [...form.elements].filter((field) => field.name !== "" && field.value.trim() !== "");
  return Object.fromEntries(fields.map((field) => [field.name, field.dataset.number === undefined ? field.value : Number(field.value)]));
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const body = bodyOf(form);
  if (event.submitter?.name) body[event.submitter.name] = event.submitter.value;
  const told = form.querySelector("[data-problem]");
  told.textContent = "";
  try {
    const answer = await postChange(form.dataset.post, body, { 403: form.dataset.forbidden, 409: form.dataset.conflict });
    // `{name}` in the next address is what the answer says of it.
    if (form.dataset.next) location.assign(form.dataset.next.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
    else location.reload();
  } catch (error) {
    told.textContent = error.message;
  }
}

for (const form of document.querySelectorAll("form[data-post]")) form.addEventListener("submit", submit);
