// The range page: which direction the incidence curves are of, which entries those of gold.
const { incidence: curves, gold } = readJson("data");

function showDirection(direction) {
  const kinds = new Set(curves.map((curve) => curve.kind));
  for (const kind of kinds) {
    const curve = curves.find((one) => one.kind === kind && one.direction === direction);
    const observed = chartModel(`incidence:${kind}`);
    const expected = chartModel(`null:${kind}`);
    const none = { minutes: [], BREAK: [], BOUNCE: [] };
    observed.data = curve?.observed ?? none;
    expected.data = curve?.expected ?? none;
    chartModel(`incidence-title:${kind}`).title.text =
      curve?.title ?? `${curves.find((one) => one.kind === kind).title.split(" (")[0]} ${direction} (0)`;
  }
}

function showStratum(name) {
  const { titles, sources } = gold[name];
  for (const [figure, text] of Object.entries(titles)) {
    chartModel(`gold-title:${figure}`).title.text = text;
  }
  for (const [source, columns] of Object.entries(sources)) {
    chartModel(`gold:${source}`).data = Object.fromEntries(Object.entries(columns).map(
      ([column, values]) => [column, values.map((value) => value ?? NaN)]));
  }
}

function showTarget(name) {
  for (const part of document.querySelectorAll("[data-target]")) {
    part.hidden = part.dataset.target !== name;
  }
}

async function start() {
  if (document.querySelector("script[data-chart]")) await embedCharts();
  byId("direction")?.addEventListener("change", (change) => showDirection(change.target.value));
  byId("gold-stratum")?.addEventListener("change", (change) => showStratum(change.target.value));
  byId("gold-target")?.addEventListener("change", (change) => showTarget(change.target.value));
  setTheme(preferredTheme());
  document.documentElement.dataset.ready = "true";
}

document.documentElement.dataset.theme = preferredTheme();
start();
