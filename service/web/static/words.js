// What the scripts say, in the page's language: its words stand in a <meta> of the page, by their English.

const known = JSON.parse(document.querySelector('meta[name="words"]').content);

/** The page's language, for dates and numbers. */
export const language = document.documentElement.lang;

/** The message in the page's language, with its %(name)s filled in. */
export function words(message, values = {}) {
  const text = known[message] ?? message;
  return text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}
