// The session page's entries: filters, the table, what is compared, and what can be taken along.
let kept = null;  // the entry that the chosen one is set beside

function wantedRange() {
  const bound = (id) => (byId(id).value === "" ? null : Number(byId(id).value));
  return { values: data.columns[byId("feature").value], low: bound("least"), high: bound("most") };
}

// A bound leaves out entries whose value is unknown.
function inRange({ values, low, high }, index) {
  if (low === null && high === null) return true;
  const value = values?.[index] ?? null;
  return value !== null && (low === null || value >= low) && (high === null || value <= high);
}

function sayRange() {
  const { values } = wantedRange();
  const found = values?.filter((value) => value !== null).map(Number) ?? [];
  byId("range-note").textContent = found.length
    ? `from ${short(Math.min(...found))} to ${short(Math.max(...found))}, ` +
      `${values.length - found.length} unknown` : "";
}

const short = (value) => String(Number(value.toPrecision(5)));

function applyFilters() {
  const wanted = {};
  for (const group of document.querySelectorAll("[data-filter]")) {
    wanted[group.dataset.filter] = new Set(
      [...group.querySelectorAll("input:checked")].map((box) => box.value));
  }
  const range = wantedRange();
  const passes = (event, index) => inRange(range, index) &&
    Object.entries(wanted).every(([name, values]) => values.has(event[name]));
  data.events.forEach((event, index) => { rows[index].hidden = !passes(event, index); });
  const booleans = data.events.map((_, index) => isShown(index));
  chartModel("shown").booleans = booleans;
  source.change.emit();
  for (const kind of data.kinds) {
    for (const part of ["zone", "level"]) {
      const model = chartModel(`${part}:${kind}`);
      if (model) model.visible = wanted.kind.has(kind);
    }
  }
  placeTags();
  byId("count").textContent = `${booleans.filter(Boolean).length} of ${booleans.length} entries shown`;
  if (chosen !== null && !isShown(chosen)) choose(null);
  tabStop();
}

function resetFilters() {
  document.querySelectorAll("[data-filter] input").forEach((box) => { box.checked = true; });
  for (const id of ["least", "most"]) byId(id).value = "";
  applyFilters();
}

// One row of the table takes part in the tab order: the chosen one, else the first shown.
function tabStop() {
  const stop = chosen ?? Number(visibleRows()[0]?.dataset.event ?? -1);
  rows.forEach((row, index) => { row.tabIndex = index === stop ? 0 : -1; });
}

const visibleRows = () =>
  [...document.querySelectorAll("#events tbody tr")].filter((row) => !row.hidden);

function sortBy(button) {
  const heading = button.closest("th");
  const column = Number(button.dataset.column);
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const key = (row) => row.children[column].dataset.value;
  const numeric = !heading.classList.contains("text");
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === "");  // unknown goes last either way
    const order = numeric ? x - y : x.localeCompare(y);
    return (ascending ? order : -order) || a.dataset.event - b.dataset.event;
  };
  document.querySelector("#events tbody").append(...[...rows].sort(compare));
  tabStop();
}

// What happened, with the outcome as the table shows it.
function card(index) {
  const event = data.events[index];
  const outcome = rows[index].querySelector("[data-outcome]").cloneNode(true).childNodes;
  const state = event.state
    ? [" · barrier ", element("span", { className: "state" }, event.state)] : [];
  return element("div", {}, element("h2", {}, event.title),
    element("p", {}, ...outcome, ...state), ...odds(event));
}

// The null model's chances, as bars.
function odds(event) {
  if (!event.odds) {
    return [element("p", { className: "small muted" }, "Null model unknown: no volatility yet.")];
  }
  const bars = ["break", "bounce", "chop"].map((name, place) => {
    const bar = element("b");
    const percent = 100 * event.odds[place];
    bar.style.cssText = `width:${percent}%;background:var(--${name})`;
    return element("div", {}, element("span", {}, name), element("i", {}, bar),
      element("span", {}, `${percent.toFixed(0)} %`));
  });
  return [element("h3", {}, "Chances of a driftless random walk"),
    element("div", { className: "odds" }, ...bars)];
}

// The chosen entry, and beside it the one that is kept.
function showEntries() {
  const shown = [kept, chosen].filter((index, place, both) =>
    index !== null && both.indexOf(index) === place);
  byId("keep").disabled = chosen === null && kept === null;
  byId("keep").textContent = kept === null ? "Keep to compare" : "End comparison";
  const cards = byId("card");
  cards.classList.toggle("pair", shown.length === 2);
  if (chosen === null && kept === null) {
    cards.replaceChildren(element("p", { className: "muted" }, "No entry is chosen."));
  } else {
    cards.replaceChildren(...shown.map(card));
    if (kept !== null && shown.length < 2) {
      cards.append(element("p", { className: "small muted" },
        "Kept: choose another entry to see both side by side."));
    }
  }
  byId("facts").classList.toggle("pair", shown.length === 2);
  byId("facts").replaceChildren(...(shown.length ? data.facts : []).map(({ heading, labels }, place) =>
    element("section", {}, element("h3", {}, heading), element("dl", {},
      ...(shown.length === 2 ? shown.flatMap((index, side) =>
        [...(side ? [] : [element("dt", {})]),
          element("dd", { className: "who" }, data.events[index].title.slice(0, 8))]) : []),
      ...labels.flatMap((label, line) => {
        const values = shown.map((index) => data.events[index].facts[place][line]);
        const same = values.length === 2 && values[0] === values[1];
        return [element("dt", {}, label), ...values.map((value) =>
          element("dd", { className: same ? "muted" : "" }, value))];
      })))));
  markEntries(shown);
}

function keep() {
  kept = kept === null ? chosen : null;
  showEntries();
}

function csv(names, lines) {
  const field = (value) => {
    if (value === null) return "";
    if (typeof value !== "string") return String(value);
    // Text that a spreadsheet would take for a formula is text there too.
    const text = /^[=+\-@\t\r]/.test(value) && !isFinite(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...lines].map((line) => `${line.map(field).join(",")}\r\n`).join("");
}

function saveEntries() {
  const names = Object.keys(data.columns);
  const shown = data.events.map((_, index) => index).filter(isShown);
  const lines = shown.map((index) => names.map((name) => data.columns[name][index]));
  save(`${data.date}_entries.csv`, new Blob([csv(names, lines)], { type: "text/csv" }));
}

function listenToEntries() {
  document.querySelectorAll("[data-filter] input").forEach((box) =>
    box.addEventListener("change", applyFilters));
  byId("feature").addEventListener("change", () => { sayRange(); applyFilters(); });
  for (const id of ["least", "most"]) byId(id).addEventListener("input", applyFilters);
  byId("reset").addEventListener("click", resetFilters);
  byId("keep").addEventListener("click", keep);
  byId("save-csv").addEventListener("click", saveEntries);
  document.querySelectorAll("#events th button").forEach((button) =>
    button.addEventListener("click", () => sortBy(button)));
  const body = document.querySelector("#events tbody");
  const eventOf = (target) => Number(target.closest("tr").dataset.event);
  body.addEventListener("click", (click) => choose(eventOf(click.target)));
  body.addEventListener("keydown", (press) => {
    const shown = visibleRows();
    const place = shown.indexOf(press.target.closest("tr"));
    const next = {
      ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: shown.length - 1,
      Enter: place, " ": place,
    }[press.key];
    if (next === undefined) return;
    press.preventDefault();
    if (shown[next]) choose(Number(shown[next].dataset.event), { focus: true });
  });
  // A click beside every marker keeps what is chosen.
  source.selected.properties.indices.change.connect(() => {
    const [index] = source.selected.indices;
    if (index !== undefined && isShown(index)) choose(index);
  });
}
