// The range page: which direction the incidence curves are of.
const curves = readJson("data").incidence;

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

async function start() {
  if (document.querySelector("script[data-chart]")) await embedCharts();
  byId("direction")?.addEventListener("change", (change) => showDirection(change.target.value));
  setTheme(preferredTheme());
  document.documentElement.dataset.ready = "true";
}

document.documentElement.dataset.theme = preferredTheme();
start();
