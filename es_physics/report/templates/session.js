// The session page's chart: the chosen event, ranges of time, tags of the levels.
const data = readJson("data");
const rows = [...document.querySelectorAll("#events tbody tr")];
let chosen = null;
let source = null;
let clock = null;
let price = null;
const TAG_HEIGHT = 15;

const isShown = (index) => !rows[index].hidden;

function choose(index, { focus = false } = {}) {
  chosen = index;
  rows.forEach((row, place) => row.setAttribute("aria-selected", String(place === index)));
  tabStop();
  const horizon = chartModel("horizon");
  showEntries();
  if (index === null) {
    horizon.visible = false;
    showBook(null);
    showGamma(null);
    history.replaceState(null, "", location.pathname + location.search);
    return;
  }
  const event = data.events[index];
  horizon.setv({
    visible: true, left: event.x, right: event.x + data.horizon_ms,
    bottom: event.level - data.threshold, top: event.level + data.threshold,
  });
  showBook(event);
  showGamma(event);
  if (event.x < clock.start || event.x > clock.end) show(event.x - 20 * 6e4, event.x + 20 * 6e4);
  const row = rows[index];
  if (focus) row.focus({ preventScroll: false });
  else keepInView(row);
  history.replaceState(null, "", `#${event.id}`);
  byId("closer").hash = event.id;
}

// Rings around entries and lines at their times, in every chart.
function markEntries(shown) {
  const mark = chartModel("selected");
  mark.data = Object.fromEntries(Object.keys(mark.data).map((name) =>
    [name, shown.map((index) => source.data[name][index])]));
}

// Scrolls the table alone, never the page.
function keepInView(row) {
  const box = row.closest(".scroll");
  const head = box.querySelector("thead").offsetHeight;
  if (row.offsetTop < box.scrollTop + head) box.scrollTop = row.offsetTop - head;
  const below = row.offsetTop + row.offsetHeight - box.clientHeight;
  if (below > box.scrollTop) box.scrollTop = below;
}

const known = (values, sign = 1) => values.map((value) => (value === null ? NaN : sign * value));

// Depth of both sides, and what came and went in the zone, at the chosen event.
function showBook(event) {
  const depth = chartModel("depth");
  if (!depth) return;
  byId("book-note").textContent = event?.book_note ?? "";
  const bins = event ? data.depth_bins : [];
  depth.data = {
    bin: bins, upper: bins.map((bin) => [bin, 0.2]), lower: bins.map((bin) => [bin, -0.2]),
    defending: known(event?.depth.defending ?? []), attacking: known(event?.depth.attacking ?? []),
  };
  const reach = (...columns) => 1.08 * Math.max(1, ...columns.flat().map((value) => value ?? 0));
  chartModel("depth_reach").end = reach(event?.depth.defending ?? [], event?.depth.attacking ?? []);
  const flow = chartModel("replenishment");
  if (!flow) return;
  const { seconds, added, removed, traded } = event?.replenishment ??
    { seconds: [], added: [], removed: [], traded: [] };
  flow.data = {
    seconds, added: known(added), removed: known(removed), traded: known(traded),
    down: known(removed, -1), traded_down: known(traded, -1),
  };
  chartModel("flow_reach").setv({ start: -reach(removed, traded), end: reach(added) });
}

function showGamma(event) {
  const strikes = chartModel("gamma");
  if (!strikes) return;
  const gamma = event?.gamma ?? null;
  byId("gamma-chart").hidden = !gamma;
  byId("gamma-note").textContent = event ? event.gamma_note : data.gamma_note;
  if (!gamma) return;
  strikes.data = { k: gamma.k, call: gamma.call, put: gamma.put, flow: gamma.flow };
  chartModel("strikes").setv({ start: event.level - data.gamma_reach, end: event.level + data.gamma_reach });
  const reach = (...columns) =>
    1.08 * Math.max(1e-9, ...columns.flatMap((name) => gamma[name].map((value) => Math.abs(value ?? 0))));
  const reaches = [reach("call", "put"), reach("flow")];
  for (const chart of Bokeh.documents) {
    for (const model of chart.all_models) {
      if (model.name === "gex") {
        const end = reaches.shift();
        model.setv({ start: -end, end });
      }
      const mark = /^at_(flip|(?:call|put)_wall)$/.exec(model.name ?? "")?.[1];
      if (mark) {
        const location = event.gamma_marks[mark];
        model.setv({ location: location ?? 0, visible: location !== null });
      }
      if (model.name === "at_level") model.setv({ location: event.level, visible: true });
      if (model.name === "at_spot") model.setv({ location: event.spot, visible: true });
    }
  }
}

function show(start, end) {
  const [first, last] = clock.tags;
  const width = Math.min(Math.max(end - start, 5 * 6e4), last - first);
  const from = Math.min(Math.max(start, first), last - width);
  clock.setv({ start: from, end: from + width });
}

function zoom(factor) {
  const middle = (clock.start + clock.end) / 2;
  const half = ((clock.end - clock.start) / 2) * factor;
  show(middle - half, middle + half);
}

const RANGES = {
  all: () => show(clock.tags[0], clock.tags[1]),
  events: () => show(clock.tags[2] - 30 * 6e4, clock.tags[3] + 20 * 6e4),
  event: () => {
    if (chosen === null) stepEvent(1);
    if (chosen === null) return;
    const { x } = data.events[chosen];
    show(x - 15 * 6e4, x + data.horizon_ms + 7 * 6e4);
  },
  in: () => zoom(1 / 1.5),
  out: () => zoom(1.5),
};

// The price axis spans what is in view: candles, and entries with half a point to spare.
function fitPrices() {
  const bars = chartModel("bars").data;
  let low = Infinity;
  let high = -Infinity;
  for (let place = 0; place < bars.t.length; place++) {
    if (bars.t[place] < clock.start || bars.t[place] > clock.end) continue;
    low = Math.min(low, bars.low[place]);
    high = Math.max(high, bars.high[place]);
  }
  if (low > high) return;
  const spare = Math.max(0.05 * (high - low), 1);
  price.y_range.setv({ start: low - spare, end: high + spare });
  const room = (price.inner_width ?? 600) * (clock.tags[2] - clock.start) / (clock.end - clock.start);
  chartModel("premarket").visible = room > 75;
  placeTags();
}

function levelAt(kind, time) {
  const { from, to, price: prices } = data.levels[kind];
  for (let place = from.length - 1; place >= 0; place--) {
    if (from[place] <= time) return to[place] >= time ? prices[place] : null;
  }
  return null;
}

// Right of the chart, at its height, the name and price of each line; what would overlap moves apart.
function placeTags() {
  const view = Bokeh.index.query((one) => one.model === price).next().value;
  const host = byId("tags");
  const frame = view.frame.bbox;
  const corner = host.getBoundingClientRect();
  const box = view.el.getBoundingClientRect();
  const tags = shownTags().map((tag) => ({ ...tag, at: view.frame.y_scale.compute(tag.price) }))
    .filter(({ at }) => at >= frame.top && at <= frame.bottom)
    .sort((a, b) => a.at - b.at);
  spread(tags, TAG_HEIGHT, frame.bottom - TAG_HEIGHT / 2);
  host.replaceChildren(...tags.map(({ name, text, role, at }) => {
    const tag = element("div", { className: "tag" }, element("b", {}, name), ` ${text}`);
    tag.style.cssText = `--role:var(--${role});top:${box.top - corner.top + at}px;` +
      `left:${box.left - corner.left + frame.right + 3}px`;
    return tag;
  }));
}

// Names and prices of the lines at the right end of the view.
function shownTags() {
  const tags = [];
  for (const kind of data.kinds) {
    const at = levelAt(kind, clock.end);
    if (at === null || !chartModel(`level:${kind}`)?.visible) continue;
    tags.push({ name: data.styles[kind].name, role: data.styles[kind].role, price: at });
  }
  const vwap = chartModel("vwap_source").data;
  const open = vwap.t.findLastIndex((time) => time <= clock.end);
  if (open >= 0 && chartModel("vwap").visible) {
    tags.push({ name: "VWAP", role: "vwap", price: vwap.vwap[open] });
  }
  const bars = chartModel("bars").data;
  const last = bars.t.findLastIndex((time) => time <= clock.end);
  if (last >= 0) tags.push({ name: "last", role: "candle", price: bars.close[last] });
  return tags.map((tag) => ({ ...tag, text: tag.price.toLocaleString("en-US",
    { minimumFractionDigits: 2, maximumFractionDigits: 2 }) }));
}

// Moves what is sorted by `at` apart to a distance, and none below the last place.
function spread(tags, distance, last) {
  for (let place = 1; place < tags.length; place++) {
    tags[place].at = Math.max(tags[place].at, tags[place - 1].at + distance);
  }
  let below = last;
  for (const tag of tags.toReversed()) {
    tag.at = Math.min(tag.at, below);
    below = tag.at - distance;
  }
}

// The lowest chart that is shown has the clock.
function placeClock() {
  const charts = [price, ...[...document.querySelectorAll("[data-panel^='panel:']")]
    .map((box) => chartModel(box.dataset.panel))];
  const lowest = charts.findLast((chart) => chart.visible);
  for (const chart of charts) {
    chart.below[0].visible = chart === lowest;
    chart.height = chart.tags[0] + (chart === lowest ? 40 : 0);
  }
}

// The chart with its tags as an image, on the page's own ground.
function saveChart() {
  const view = Bokeh.index.get(price.document.roots()[0]);
  const layer = view.export("png", true).canvas;
  const canvas = Object.assign(document.createElement("canvas"),
    { width: layer.width, height: layer.height });
  const paint = canvas.getContext("2d");
  const colour = (role) => getComputedStyle(document.documentElement).getPropertyValue(`--${role}`);
  paint.fillStyle = colour("surface");
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.drawImage(layer, 0, 0);
  const chart = view.el.getBoundingClientRect();
  const scale = layer.width / chart.width;
  paint.font = `${10.5 * scale}px sans-serif`;
  paint.textBaseline = "middle";
  for (const tag of document.querySelectorAll("#tags .tag")) {
    const { left, top, bottom } = tag.getBoundingClientRect();
    paint.fillStyle = getComputedStyle(tag).color;
    paint.fillText(tag.innerText, (left - chart.left + 4) * scale,
      ((top + bottom) / 2 - chart.top) * scale);
  }
  canvas.toBlob((blob) => save(`${data.date}.png`, blob));
}

// On a narrow page a tag is a name without its price, and the axis has less room.
function fitBorders() {
  const narrow = byId("session-chart").clientWidth < 600;
  byId("tags").classList.toggle("narrow", narrow);
  for (const model of price.document.all_models) {
    if (model.x_range === clock) {
      model.setv({ min_border_right: narrow ? 62 : data.tags_width });
    }
  }
}

function stepEvent(by) {
  const shown = data.events.map((_, index) => index).filter(isShown);
  if (!shown.length) return;
  const place = shown.indexOf(chosen);
  choose(shown[place < 0 ? (by > 0 ? 0 : shown.length - 1) : (place + by + shown.length) % shown.length]);
}

function listen() {
  document.querySelectorAll("[data-range]").forEach((button) =>
    button.addEventListener("click", () => RANGES[button.dataset.range]()));
  byId("session-chart").addEventListener("keydown", (press) => {
    const act = {
      ArrowRight: () => stepEvent(1), ArrowLeft: () => stepEvent(-1),
      "+": RANGES.in, "-": RANGES.out, 0: RANGES.all, c: () => rows.length && keep(),
    }[press.key];
    if (act) { act(); press.preventDefault(); }
  });
  document.querySelectorAll("[data-panel]").forEach((box) =>
    box.addEventListener("change", () => {
      chartModel(box.dataset.panel).visible = box.checked;
      placeClock();
      placeTags();
    }));
  byId("save-png").addEventListener("click", saveChart);
  if (!rows.length) return;
  listenToEntries();
  sayRange();
  const linked = data.events.findIndex((event) => `#${event.id}` === location.hash);
  applyFilters();
  choose(linked < 0 ? 0 : linked);
}

async function start() {
  if (!document.querySelector("script[data-chart]")) {
    setTheme(preferredTheme());
    document.documentElement.dataset.ready = "true";
    return;
  }
  await embedCharts();
  source = chartModel("events");
  clock = chartModel("clock");
  price = chartModel("price");
  clock.change.connect(fitPrices);
  fitBorders();
  placeClock();
  fitPrices();
  price.properties.inner_width.change.connect(fitPrices);
  new ResizeObserver(fitBorders).observe(byId("session-chart"));
  listen();
  setTheme(preferredTheme());
  document.documentElement.dataset.ready = "true";
}

document.documentElement.dataset.theme = preferredTheme();
start();
