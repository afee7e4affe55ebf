// Instants in the reader's own time zone and the page's language.

import { language } from "./words.js";

const styles = {
  full: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }),
  time: new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }),
  short: new Intl.DateTimeFormat(language, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }),
};

/** Rewrite every <time> below `root`; the exact UTC instant stays as its title. */
export function localiseTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    element.title = element.dateTime;
    element.textContent = styleOf(element).format(new Date(element.dateTime));
  }
}

function styleOf(element) {
  const isShort = element.dataset.style === "short";
  const isToday = new Date(element.dateTime).toDateString() === new Date().toDateString();
  return isShort ? (isToday ? styles.time : styles.short) : styles.full;
}
