// What every page does: its theme, and the charts that are embedded in it.
const PALETTE = JSON.parse(document.getElementById("palette").textContent);
const byId = (id) => document.getElementById(id);
const readJson = (id) => JSON.parse(byId(id).textContent);
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
let theme = "light";

// Charts are built in the light colours; a theme exchanges each of them for its counterpart.
function paintCharts(from, to) {
  if (from === to || !window.Bokeh) return;
  const exchange = new Map(PALETTE.map((shade) => [shade[from], shade[to]]));
  for (const chart of Bokeh.documents) {
    for (const model of chart.all_models) {
      for (const [name, value] of Object.entries(model.attributes)) {
        if (exchange.has(value)) {
          model.setv({ [name]: exchange.get(value) });
        } else if (value && exchange.has(value.value)) {
          model.setv({ [name]: { ...value, value: exchange.get(value.value) } });
        } else if (name === "palette") {
          model.setv({ palette: value.map((colour) => exchange.get(colour) ?? colour) });
        }
      }
    }
  }
}

function setTheme(next) {
  paintCharts(theme, next);
  theme = next;
  document.documentElement.dataset.theme = next;
  byId("theme").textContent = next === "dark" ? "Light theme" : "Dark theme";
}

byId("theme").addEventListener("click", () => {
  const next = theme === "dark" ? "light" : "dark";
  setTheme(next);
  try { localStorage.setItem("es_physics.theme", next); } catch { /* private windows have none */ }
});

function preferredTheme() {
  try {
    const kept = localStorage.getItem("es_physics.theme");
    if (kept === "dark" || kept === "light") return kept;
  } catch { /* private windows have none */ }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

async function embedCharts() {
  for (const script of document.querySelectorAll("script[data-chart]")) {
    const place = byId(script.dataset.chart);
    await Bokeh.embed.embed_item(JSON.parse(script.textContent), place.id);
    const [root] = Bokeh.documents.at(-1).roots();
    if (root.type === "GridPlot") new ResizeObserver(() => flow(root, place.clientWidth)).observe(place);
  }
}

// Charts side by side take fewer columns where they would be narrower than they can be read.
function flow(grid, width) {
  const [leastWidth, mostColumns, oneAxis] = grid.tags;
  const columns = Math.max(1, Math.min(mostColumns, Math.floor(width / leastWidth)));
  if (width === 0 || columns === Math.max(...grid.children.map(([, , column]) => column + 1))) return;
  const plots = grid.children.map(([plot]) => plot);
  grid.children = plots.map((plot, place) => [plot, Math.floor(place / columns), place % columns]);
  if (oneAxis) {
    plots.forEach((plot, place) => { plot.left[0].visible = place % columns === 0; });
  }
}

const chartModel = (name) =>
  Bokeh.documents.map((chart) => chart.get_model_by_name(name)).find((model) => model) ?? null;

// Hands a file to whoever reads the page: nothing leaves their machine.
function save(name, blob) {
  const link = element("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
