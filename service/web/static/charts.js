// Charts: figures that stand in the page, drawn by plotly.js in the page's own colours and type.

import { language } from "./words.js";

/* global Plotly */
const CONFIG = { displayModeBar: false, responsive: true, locale: language };
const dark = matchMedia("(prefers-color-scheme: dark)");

// How dates are written along an axis, where they are written otherwise than in English.
const DATES = { ja: { year: "%Y年", month: "%Y年%-m月", dayMonth: "%-m月%-d日", dayMonthYear: "%Y年%-m月%-d日" } };

/** Names of months and days, which plotly.js has in English only. */
function registerLanguage() {
  if (language === "en") return;
  const named = (options, count, day) =>
    Array.from({ length: count }, (_, index) => new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options }).format(day(index)));
  const month = (index) => Date.UTC(2023, index, 15);
  // The first of January 2023 was a Sunday.
  const weekday = (index) => Date.UTC(2023, 0, 1 + index);
  const format = {
    months: named({ month: "long" }, 12, month),
    shortMonths: named({ month: "short" }, 12, month),
    days: named({ weekday: "long" }, 7, weekday),
    shortDays: named({ weekday: "short" }, 7, weekday),
    date: "%Y/%m/%d",
    ...DATES[language],
  };
  Plotly.register({ moduleType: "locale", name: language, dictionary: {}, format });
}

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A figure's "token:NAME", wherever it stands, becomes the colour of that name in kensa.css. */
function coloured(value) {
  if (typeof value === "string") return value.startsWith("token:") ? token(value.slice(6)) : value;
  if (Array.isArray(value)) return value.map(coloured);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, coloured(held)]));
}

function axis(given) {
  const line = token("line");
  return { gridcolor: line, linecolor: line, zerolinecolor: token("line-strong"), automargin: true, fixedrange: true, ...given };
}

function inPageStyle(layout) {
  const style = getComputedStyle(document.body);
  const axes = Object.fromEntries(
    ["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d+$/.test(key))].map((key) => [key, axis(layout[key])]),
  );
  return {
    margin: { l: 8, r: 8, t: 8, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: style.fontFamily, size: 13, color: token("ink") },
    hoverlabel: { bgcolor: token("raised"), bordercolor: token("line-strong"), font: { color: token("ink") } },
    colorway: ["accent", "hold", "fail", "pass", "muted"].map(token),
    bargap: 0.25,
    ...layout,
    ...axes,
  };
}

/** Draw `figure` = {data, layout} in `element`, or draw it anew there. Gives back plotly's promise. */
export function drawChart(element, figure) {
  const { data, layout = {} } = coloured(figure);
  return Plotly.react(element, data, inPageStyle(layout), CONFIG);
}

function drawAll() {
  for (const element of document.querySelectorAll("[data-figure]")) drawChart(element, JSON.parse(element.dataset.figure));
}

registerLanguage();
dark.addEventListener("change", drawAll);
drawAll();
