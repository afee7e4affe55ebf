// The page's only talk with the service.

import { language, words } from "./words.js";

const SIGN_IN = "/sign-in";

/** A decision of whoever is signed in. Throws an Error whose message a person can read. */
export async function postDisposition(id, disposition) {
  const answer = await send(`/api/v1/inspections/${id}/dispositions`, disposition);
  if (!answer) throw new Error(words("The service does not answer: the decision is not stored. Try again."));
  if (!answer.ok) throw new Error(await problemOf(answer));
  return answer.json();
}

/** One decision about several parts: {stored, refused}. Throws an Error whose message a person can read. */
export async function postMany(request) {
  const answer = await send("/api/v1/dispositions", request);
  if (!answer) throw new Error(words("The service does not answer: the decision is not stored. Try again."));
  if (!answer.ok) throw new Error(await problemOf(answer));
  return answer.json();
}

/** Who looks at the part now, after asking for it among those of the query: {holder, is_mine}; null where that cannot
 * be told. */
export async function postLease(id, query) {
  const answer = await send(`/api/v1/inspections/${id}/lease${query}`, {});
  return answer?.ok ? answer.json() : null;
}

/** Others may decide about the part at once. Goes out even while the page goes away. */
export function dropLease(id) {
  fetch(`/api/v1/inspections/${id}/lease`, { method: "DELETE", keepalive: true }).catch(() => null);
}

/** The part's <main> element, as the service knows it now. */
export async function fetchPart(id, query) {
  return (await fetchPage(`/review/${id}/part${query}`)).querySelector("main");
}

/** The parts to compare with, as elements. */
export async function fetchNeighbours(address) {
  return [...(await fetchPage(address)).body.children];
}

/** The queue's <main> element, as the service knows it now. */
export async function fetchQueue(query) {
  return document.adoptNode((await fetchPage(`/review${query}`)).querySelector("main"));
}

/** How many wait of those that the query asks for; null where the service does not answer. */
export async function fetchWaiting(query) {
  const answer = await fetch(`/api/v1/waiting${query}`).catch(() => null);
  return answer?.ok ? (await answer.json()).waiting : null;
}

/** What came in the last 30 days, in counts; null where the service does not answer. */
export async function fetchSummary() {
  const answer = await fetch("/api/v1/summary?days=30").catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** A refusal in words a person can read. */
export async function problemOf(answer) {
  if (answer.status === 401 && location.pathname !== SIGN_IN) {
    location.assign(`${SIGN_IN}?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const known = {
    401: words("The name or the password is not right."),
    403: words("You may look at parts, but not decide about them."),
    409: words("The part was decided meanwhile. Look again."),
    429: words("Too many attempts. Wait a minute and try again."),
    503: words("The service cannot store anything now. Try again in a moment."),
  };
  const problem = await answer.json().catch(() => null);
  // What the service says in full is English.
  if (problem && language === "en") return `${problem.detail}: ${problem.remedy}.`;
  return known[answer.status] ?? words("The service answered %(status)s.", { status: answer.status });
}

async function fetchPage(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer) throw new Error(words("The service does not answer. Try again."));
  if (!answer.ok) throw new Error(await problemOf(answer));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function send(address, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return fetch(address, options).catch(() => null);
}
