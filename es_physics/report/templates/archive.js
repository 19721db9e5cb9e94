// The archive's page: what gates measured, by session, as a table of colours.
const { days, links, steps, rows } = readJson("data");
const cells = [];
let at = [0, 0];

function matrix() {
  const table = element("table", { className: "matrix" });
  const head = element("tr", {}, element("th", { className: "text", scope: "col" }));
  for (let place = 0; place < days.length;) {
    const month = days[place].slice(0, 7);
    let span = 0;
    while (days[place + span]?.startsWith(month)) span++;
    head.append(element("th", { colSpan: span, scope: "colgroup", className: "text" },
      span > 2 ? month : ""));
    place += span;
  }
  table.append(element("thead", {}, head));
  let group = null;
  let body = null;
  rows.forEach((row, down) => {
    if (row.group !== group) {
      group = row.group;
      body = element("tbody", {}, element("tr", {},
        element("th", { className: "text group" }, group),
        element("td", { className: "none", colSpan: days.length })));
      table.append(body);
    }
    const line = element("tr", {}, element("th", { className: "text", scope: "row", title: row.name },
      row.name));
    cells.push(days.map((day, across) => cell(row, across)));
    line.append(...cells[down]);
    body.append(line);
  });
  return table;
}

function cell(row, across) {
  const made = element("td", { tabIndex: -1 }, row.mark[across]);
  const colour = row.colour[across];
  if (colour !== null) made.style.background = `var(--diverging_${colour + steps})`;
  else made.className = row.mark[across] ? "gone" : row.shown[across] ? "idle" : "none";
  if (row.mark[across]) made.classList.add("marked");
  return made;
}

const words = (down, across) => {
  const { name, shown, mark } = rows[down];
  const sign = { "!": "warned", "✕": "failed" }[mark[across]];
  return `${days[across]} · ${name} · ${shown[across] || "nothing known"}${
    sign && rows[down].group === "Gates" ? ` · ${sign}` : ""}`;
};

function placeOf(target) {
  const found = target.closest("td");
  const down = cells.findIndex((row) => row.includes(found));
  return down < 0 ? null : [down, cells[down].indexOf(found)];
}

function say(place) {
  if (!place) return;
  const text = words(...place);
  byId("cell").textContent = text;
  const here = cells[place[0]][place[1]];
  here.title = text;
  here.setAttribute("aria-label", text);
}

function move(to) {
  cells[at[0]][at[1]].tabIndex = -1;
  at = to;
  const here = cells[at[0]][at[1]];
  here.tabIndex = 0;
  here.focus();
}

function listen(host) {
  host.addEventListener("mouseover", (over) => say(placeOf(over.target)));
  host.addEventListener("focusin", (focus) => say(placeOf(focus.target)));
  host.addEventListener("click", (click) => open(placeOf(click.target)));
  host.addEventListener("keydown", (press) => {
    const [down, across] = at;
    const to = {
      ArrowRight: [down, across + 1], ArrowLeft: [down, across - 1],
      ArrowDown: [down + 1, across], ArrowUp: [down - 1, across],
      Home: [down, 0], End: [down, days.length - 1],
    }[press.key];
    if (press.key === "Enter") open(at);
    if (!to) return;
    press.preventDefault();
    if (cells[to[0]]?.[to[1]]) move(to);
  });
}

function open(place) {
  if (place && links[place[1]]) location.href = links[place[1]];
}

// As wide as the page has room for, as long as a sign can be read.
function fit(host) {
  const room = (host.clientWidth - Math.min(210, host.clientWidth / 2)) / days.length;
  byId("earlier").hidden = room >= 9;
  host.style.setProperty("--cell", `${Math.max(9, Math.min(22, Math.floor(room)))}px`);
}

const host = byId("matrix");
if (host && rows.length) {
  fit(host);
  host.append(matrix());
  at = [0, days.length - 1];
  cells[0][at[1]].tabIndex = 0;
  host.scrollLeft = host.scrollWidth;  // the newest sessions
  listen(host);
  new ResizeObserver(() => fit(host)).observe(host);
} else if (host) {
  host.append(element("p", { className: "muted" }, "No session has gate results."));
}
setTheme(preferredTheme());
document.documentElement.dataset.ready = "true";
