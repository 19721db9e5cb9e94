// The page of entries: one figure in time, and beside it odds, gamma by strike and neighbours.
const data = readJson("data");
const HEIGHTS = { price: 440, delta: 96, flow: 96, zone: 110 };
const LOW_PRICE = 340;
const GAP = 22;
let chosen = 0;
let view = "book";
let cursor = 0;

const SVG = "http://www.w3.org/2000/svg";
const shape = (tag, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const digits = (value, decimals = 0) => value === null || value === undefined ? "–"
  : (Number(value.toFixed(decimals)) || 0).toLocaleString("en-US",
    { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
const signed = (value, decimals = 0) => (value > 0 ? "+" : "") + digits(value, decimals);
const clockText = (event, seconds) =>
  new Date(event.clock_ms + 1000 * seconds).toISOString().slice(11, 19);
const TICK = 0.25;

const scale = (from, to, low, high) => (value) => low + ((value - from) / (to - from)) * (high - low);

// Round numbers from `low` to `high`, about as many as fit.
function ticks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + 1e-9; at += step) found.push(at);
  return found;
}

// Around the level what the book shows, farther the price, and farthest the barriers.
function priceRange(event) {
  const reach = Math.max(event.zone, 20 * TICK);
  const around = [event.spot, event.level - reach, event.level + reach];
  if (view !== "book") around.push(...(event.path?.price ?? []).filter((price) => price !== null));
  if (view === "barriers") {
    for (const { distance } of event.barriers) around.push(event.level - distance, event.level + distance);
  }
  const spare = 0.04 * (Math.max(...around) - Math.min(...around));
  return [Math.min(...around) - spare, Math.max(...around) + spare];
}

// Lines through known points; where one is not known the line is broken.
function line(points, step = false) {
  let path = "";
  let open = false;
  let before = null;
  for (const [x, y] of points) {
    if (y === null) { open = false; continue; }
    if (!open) path += `M${x.toFixed(1)} ${y.toFixed(1)}`;
    else path += step ? `V${before.toFixed(1)}H${x.toFixed(1)}V${y.toFixed(1)}` : `L${x.toFixed(1)} ${y.toFixed(1)}`;
    before = y;
    open = true;
  }
  return path;
}

// The panels from above to below, those that have something to show.
function panels(event, narrow) {
  const names = ["price"];
  if (event.path) names.push("delta");
  if (event.flow.s.length) names.push("flow");
  if (event.buckets.length) names.push("zone");
  let top = 6;
  return Object.fromEntries(names.map((name) => {
    const panel = { top, bottom: top + (narrow && name === "price" ? LOW_PRICE : HEIGHTS[name]) };
    top = panel.bottom + GAP;
    return [name, panel];
  }));
}

function drawFigure() {
  const event = data.events[chosen];
  const place = byId("figure");
  const width = place.clientWidth;
  const narrow = width < 560;
  const left = narrow ? 54 : 62;
  const right = width - (narrow ? 8 : 14);
  const all = panels(event, narrow);
  const bottom = Math.max(...Object.values(all).map((panel) => panel.bottom));
  const height = bottom + 34;
  const x = scale(data.first_s, data.last_s, left, right);
  const range = priceRange(event);
  const y = scale(...range, all.price.bottom, all.price.top);
  const frame = { left, right, all, bottom, x, y, narrow, range };
  const drawn = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  drawn.append(shape("clipPath", { id: "inside" }, shape("rect", {
    x: left, y: all.price.top, width: right - left, height: all.price.bottom - all.price.top })));
  drawn.append(...timeAxis(event, frame));
  drawn.append(...pricePanel(event, frame));
  if (all.delta) {
    drawn.append(...curvePanel("Cumulative delta", frame, all.delta,
      event.path.s.map((seconds, n) => [seconds, event.path.delta[n]])));
  }
  if (all.flow) {
    drawn.append(...curvePanel("Cumulative OFI, best level", frame, all.flow,
      event.flow.s.map((seconds, n) => [seconds, event.flow.total[n]])));
  }
  if (all.zone) drawn.append(...zonePanel(event, frame, all.zone));
  drawn.append(shape("line", { class: "now", x1: x(0), x2: x(0), y1: 0, y2: bottom }));
  drawn.append(shape("line", { id: "cursor", class: "cursor", y1: 0, y2: bottom }));
  place.style.setProperty("--role", `var(--${event.level_role})`);
  place.replaceChildren(heatmap(event, frame), drawn);
  place.frame = frame;
  moveCursor(cursor);
}

function timeAxis(event, { left, right, bottom, x }) {
  const drawn = [];
  const step = [120, 300].find((one) => x(one) - x(0) > 80) ?? 600;
  for (let at = data.first_s; at <= data.last_s; at += step) {
    drawn.push(shape("line", { class: "grid", x1: x(at), x2: x(at), y1: 0, y2: bottom + 4 }));
    const anchor = x(at) > right - 20 ? "end" : x(at) < left + 10 ? "start" : "middle";
    drawn.push(shape("text", { x: x(at), y: bottom + 16, "text-anchor": anchor },
      at === 0 ? "entry" : `${signed(at / 60)} min`));
    drawn.push(shape("text", { x: x(at), y: bottom + 29, "text-anchor": anchor }, clockText(event, at)));
  }
  return drawn;
}

function axis(panel, values, y, { left, right }, decimals) {
  return values.flatMap((value) => [
    shape("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }),
    shape("text", { x: left - 5, y: y(value) + 4, "text-anchor": "end" }, digits(value, decimals)),
  ]).concat(shape("rect", {
    class: "frame", x: left, y: panel.top, width: right - left, height: panel.bottom - panel.top }));
}

function pricePanel(event, frame) {
  const { left, right, all, x, y, range } = frame;
  const span = (price, name) => shape("line", { class: name, x1: left, x2: right, y1: y(price), y2: y(price) });
  const inside = shape("g", { "clip-path": "url(#inside)" });
  for (const [from, to, low, high] of event.ranges) {
    inside.append(shape("line", { class: "minute", x1: x((from + to) / 2), x2: x((from + to) / 2), y1: y(low), y2: y(high) }));
  }
  inside.append(
    shape("rect", { class: "zone", x: left - 2, width: right - left + 4, y: y(event.level + event.zone),
      height: y(event.level - event.zone) - y(event.level + event.zone) }),
    span(event.level, "level"));
  if (event.path) {
    inside.append(shape("path", { class: "line", d: line(event.path.s.map((seconds, n) =>
      [x(seconds), event.path.price[n] === null ? null : y(event.path.price[n])]), true) }));
    inside.append(...trades(event, frame));
  }
  for (const barrier of event.barriers) inside.append(...barrierLines(event, barrier, frame));
  return [...axis(all.price, ticks(...range, 8), y, frame, 2), inside];
}

// Barriers exist from the entry on: beyond the level a break, before it a bounce.
function barrierLines(event, { name, distance, outcome, touched_s: touched }, { x, y, right, range }) {
  const drawn = [];
  for (const [word, way] of [["BREAK", 1], ["BOUNCE", -1]]) {
    const price = event.level + way * event.sign * distance;
    if (price < range[0] || price > range[1]) continue;
    drawn.push(shape("line", { class: "barrier", x1: x(0), x2: right, y1: y(price), y2: y(price) }));
    drawn.push(shape("text", { x: right - 4, y: y(price) - 3, "text-anchor": "end" }, `${word.toLowerCase()} ${name}`));
    if (outcome === word && touched !== null) {
      drawn.push(shape("circle", { class: "touch", cx: x(touched), cy: y(price), r: 5, fill: `var(--${word.toLowerCase()})` }));
    }
  }
  return drawn;
}

// What aggressors bought less what they sold in each ten seconds, at the price then.
function trades(event, { x, y, narrow }) {
  const { s, price, delta } = event.path;
  const steps = s.slice(1).map((seconds, n) => ({
    at: (s[n] + seconds) / 2, price: price[n + 1],
    size: delta[n + 1] === null || delta[n] === null ? 0 : delta[n + 1] - delta[n],
  })).filter(({ size, price: at }) => size !== 0 && at !== null);
  const most = Math.max(1, ...steps.map(({ size }) => Math.abs(size)));
  return steps.map(({ at, price: where, size }) => {
    const r = (narrow ? 5 : 8) * Math.sqrt(Math.abs(size) / most);
    const way = size > 0 ? -1 : 1;
    const [cx, cy] = [x(at), y(where)];
    return shape("path", { class: "trade", d: `M${cx} ${cy + way * r}l${r} ${-way * 1.6 * r}h${-2 * r}z` });
  });
}

function curvePanel(title, frame, panel, points) {
  const known = points.map(([, value]) => value).filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...known), Math.max(0, ...known)];
  const spare = 0.08 * Math.max(high - low, 1);
  const y = scale(low - spare, high + spare, panel.bottom, panel.top);
  return [
    ...axis(panel, ticks(low - spare, high + spare, 4), y, frame, 0),
    shape("text", { class: "strong", x: frame.left + 4, y: panel.top - 5 }, `${title}, contracts`),
    shape("path", { class: "line", d: line(points.map(([seconds, value]) =>
      [frame.x(seconds), value === null ? null : y(value)]), true) }),
  ];
}

function zonePanel(event, frame, panel) {
  const most = Math.max(1, ...event.buckets.map(([, added]) => added ?? 0));
  const least = Math.max(1, ...event.buckets.flatMap(([, , removed, traded]) => [removed ?? 0, traded]));
  const y = scale(-1.08 * least, 1.08 * most, panel.bottom, panel.top);
  const count = event.buckets.length;
  const bars = event.buckets.flatMap(([bucket, added, removed, traded]) => {
    const start = frame.x((bucket - 1 - count) * data.bucket_s);
    const wide = frame.x((bucket - count) * data.bucket_s) - start;
    const bar = (name, value, share) => value === null ? [] : [shape("rect", {
      class: name, x: start + ((1 - share) / 2) * wide, width: share * wide,
      y: Math.min(y(0), y(value)), height: Math.abs(y(value) - y(0)) })];
    const unseen = added === null ? [shape("rect", { class: "fill-unseen", x: start, width: wide,
      y: panel.top, height: panel.bottom - panel.top })] : [];
    return [...unseen, ...bar("fill-added", added, 0.8), ...bar("fill-removed", removed === null ? null : -removed, 0.8),
      ...bar("fill-traded", -traded, 0.3)];
  });
  return [
    ...axis(panel, ticks(-1.08 * least, 1.08 * most, 4), y, frame, 0), ...bars,
    shape("text", { class: "strong", x: frame.left + 4, y: panel.top - 5 },
      frame.narrow ? "Zone: added ↑, removed ↓, traded" : "In the zone: added above, removed below, thereof traded narrow; contracts"),
  ];
}

// Sizes as colour, the fuller the more; hatched where ten levels do not reach.
function heatmap(event, { left, right, all, x, y, range }) {
  const canvas = document.createElement("canvas");
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [right - left, all.price.bottom - all.price.top];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.cssText = `left:${left}px;top:${all.price.top}px;width:${width}px;height:${height}px`;
  if (!event.book) return canvas;
  const draw = canvas.getContext("2d");
  draw.scale(ratio, ratio);
  draw.translate(-left, -all.price.top);
  const css = getComputedStyle(document.documentElement);
  const colour = (role) => css.getPropertyValue(`--${role}`).trim();
  const { low, s, bids, asks } = event.book;
  const last = event.book.ticks - 1;
  const sizes = [...bids, ...asks].flatMap((side) => side?.slice(1) ?? []).sort((a, b) => a - b);
  const full = Math.max(1, sizes[Math.floor(0.98 * (sizes.length - 1))] ?? 1);
  const hatch = hatched(draw, colour("shade"), colour("line"));
  const cell = (from, to, lowest, highest, style, alpha = 1) => {
    draw.globalAlpha = alpha;
    draw.fillStyle = style;
    const upper = y(low + (highest + 0.5) * TICK);
    const lower = y(low + (lowest - 0.5) * TICK);
    if (lower > upper) draw.fillRect(x(from), upper, x(to) - x(from) + 0.4, lower - upper);
  };
  s.forEach((from, n) => {
    const to = Math.min(s[n + 1] ?? from + data.step_s, data.last_s);
    const [bid, ask] = [bids[n], asks[n]];
    // Below what bids show and above what asks show nothing is known; where a side shows nothing of
    // these prices, the other one may lie beyond them all.
    const seenFrom = bid ? bid[0] : last + 1;
    const seenTo = ask ? ask[0] : -1;
    if (seenFrom > 0) cell(from, to, 0, seenFrom - 1, hatch);
    if (seenTo < last) cell(from, to, seenTo + 1, last, hatch);
    bid?.slice(1).forEach((size, place) => {
      if (size) cell(from, to, bid[0] + place, bid[0] + place, colour("call"), shade(size, full));
    });
    const begin = ask ? ask[0] - (ask.length - 2) : 0;
    ask?.slice(1).forEach((size, place) => {
      if (size) cell(from, to, begin + place, begin + place, colour("put"), shade(size, full));
    });
  });
  return canvas;
}

const shade = (size, full) => 0.06 + 0.84 * Math.sqrt(Math.min(1, size / full));

function hatched(draw, ground, stripe) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = stripe;
  pen.beginPath();
  pen.moveTo(-1, 7);
  pen.lineTo(7, -1);
  pen.stroke();
  return draw.createPattern(tile, "repeat");
}

// The tick of a side's best, unless a better one may lie beyond the prices that are looked at.
const bestBid = (bid, ticks) =>
  bid?.length > 1 && bid[0] + bid.length - 2 < ticks - 1 ? bid[0] + bid.length - 2 : null;
const bestAsk = (ask) => (ask?.length > 1 && ask[0] > ask.length - 2 ? ask[0] - (ask.length - 2) : null);

function moveCursor(seconds) {
  const { frame } = byId("figure");
  const event = data.events[chosen];
  cursor = Math.min(data.last_s, Math.max(data.first_s, Math.round(seconds / data.step_s) * data.step_s));
  const at = frame.x(cursor);
  for (const [name, value] of [["x1", at], ["x2", at]]) byId("cursor").setAttribute(name, value);
  byId("readout").textContent = readout(event);
}

// What the figure shows where its line in time stands.
function readout(event) {
  const last = (times, values) => values[times.findLastIndex((one) => one <= cursor)] ?? null;
  const words = [`${signed(cursor)} s, ${clockText(event, cursor)}`];
  if (event.path) {
    words.push(`price ${digits(last(event.path.s, event.path.price), 2)}`,
      `delta ${signed(last(event.path.s, event.path.delta))}`);
  }
  if (event.book) {
    const { low, ticks, s, bids, asks } = event.book;
    const [bid, ask] = [last(s, bids), last(s, asks)];
    const side = (name, best, size) => best === null ? `${name} not in view`
      : `${name} ${digits(low + best * TICK, 2)} × ${digits(size)}`;
    words.push(side("bid", bestBid(bid, ticks), bid?.at(-1)), side("ask", bestAsk(ask), ask?.[1]));
  }
  if (event.flow.s.length) words.push(`OFI ${signed(last(event.flow.s, event.flow.total))}`);
  const bucket = event.buckets.find(([number]) => {
    const end = (number - event.buckets.length) * data.bucket_s;
    return cursor > end - data.bucket_s && cursor <= end;
  });
  if (bucket) {
    words.push((bucket[1] === null ? "zone not in sight" : `zone +${digits(bucket[1])} −${digits(bucket[2])}`)
      + `, traded ${digits(bucket[3])}`);
  }
  return words.join(" · ");
}

function table(name, headings, rows) {
  const cell = (tag) => (text, place) =>
    element(tag, { className: place ? "" : "text" }, text);
  return element("table", { className: name },
    element("thead", {}, element("tr", {}, ...headings.map(cell("th")))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell("td"))))));
}

// What a random walk from the entry would do, by barriers, and what came.
function showOdds(event) {
  const rows = event.barriers.map(({ name, distance, outcome, odds }) => [
    `${name} ±${digits(distance, 2)}`,
    ...["BREAK", "BOUNCE", "CHOP"].map((word, place) => {
      const text = odds ? `${(100 * odds[place]).toFixed(0)} %` : "–";
      return outcome === word ? element("b", {}, text) : text;
    }),
    outcome ?? "–",
  ]);
  byId("odds").replaceChildren(
    element("h2", {}, "Chances of a driftless random walk"),
    table("outcomes", ["Barriers, pt", "break", "bounce", "chop", "came"], rows),
    element("p", { className: "small muted" }, "Underlined: what came. – is unknown."));
}

function showGamma(event) {
  const heading = element("h2", {}, "Gamma by strike");
  const place = byId("gamma");
  if (!event.gamma) {
    place.replaceChildren(heading, element("p", { className: "small muted" }, "Unknown at this entry."));
    return;
  }
  const width = Math.max(240, place.clientWidth);
  const height = 260;
  const y = scale(event.level - data.gamma_reach, event.level + data.gamma_reach, height - 22, 6);
  const values = ["call", "put", "flow"].flatMap((name) => event.gamma[name].map((value) => Math.abs(value ?? 0)));
  const reach = 1.06 * Math.max(1e-9, ...values);
  const x = scale(-reach, reach, 58, width - 8);
  const drawn = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Gamma by strike near the level" });
  for (const value of ticks(-reach, reach, 4)) {
    drawn.append(shape("line", { class: "grid", x1: x(value), x2: x(value), y1: 6, y2: height - 22 }),
      shape("text", { x: x(value), y: height - 8, "text-anchor": "middle" }, digits(value, reach < 4 ? 1 : 0)));
  }
  event.gamma.k.forEach((strike, n) => {
    const bar = (name, offset) => {
      const value = event.gamma[name][n];
      if (value === null) return;
      drawn.append(shape("rect", { class: `fill-${name}`, x: Math.min(x(0), x(value)),
        width: Math.abs(x(value) - x(0)), y: y(strike) + offset, height: 3 }));
    };
    bar("call", -5);
    bar("put", -1.5);
    bar("flow", 2);
  });
  for (const price of ticks(event.level - data.gamma_reach, event.level + data.gamma_reach, 7)) {
    drawn.append(shape("text", { x: 52, y: y(price) + 4, "text-anchor": "end" }, digits(price)));
  }
  const lines = [[event.level, event.level_role, "", "level"],
    ...Object.entries(data.marks).map(([name, [words, role]]) => [event.marks[name], role, "5 3", words])]
    .filter(([price]) => price !== null && Math.abs(price - event.level) <= data.gamma_reach)
    .sort(([one], [other]) => other - one);
  let below = 0;
  for (const [price, role, dash, words] of lines) {
    const made = shape("line", { x1: 58, x2: width - 8, y1: y(price), y2: y(price), "stroke-width": 1.6,
      "stroke-dasharray": dash });
    made.style.stroke = `var(--${role})`;
    below = Math.max(below + 12, y(price) - 3);
    drawn.append(made, shape("text", { class: "strong", x: width - 10, y: below, "text-anchor": "end" }, words));
  }
  const legend = element("p", { className: "small muted legend" }, ...[["call", "calls"], ["put", "puts"], ["flow", "by today's flow"]]
    .map(([role, words]) => {
      const swatch = element("i", { className: "swatch" });
      swatch.style.background = `var(--${role})`;
      return element("span", {}, swatch, ` ${words}`);
    }), "million USD of delta per 1 % move, last minute mark before the entry");
  place.replaceChildren(heading, element("div", { className: "chart" }, drawn), legend);
}

// What followed when it looked like this, where a run of models remembers it.
function showNeighbours(event) {
  const place = byId("neighbours");
  if (!event.alike) { place.replaceChildren(); return; }
  const rows = event.alike.map((one) => [one.words, digits(one.distance, 2), one.outcome,
    `${digits(one.mfe_atr, 1)} / ${digits(one.mae_atr, 1)}`]);
  place.replaceChildren(element("h2", {}, "Nearest earlier entries"), ...(rows.length
    ? [element("div", { className: "scroll", tabIndex: 0 },
      table("alike", ["Entry", "distance", "outcome", "with / against, ATR"], rows)),
    element("p", { className: "small muted" }, `Of run ${data.run_id}: full features, outcomes at 1 σ.`)]
    : [element("p", { className: "small muted" }, `Run ${data.run_id} has none for this entry.`)]));
}

function showFacts(event) {
  byId("facts").replaceChildren(...event.facts.map(([heading, facts]) =>
    element("section", {}, element("h3", {}, heading), element("dl", {}, ...facts.flatMap(
      ([label, value]) => [element("dt", {}, label), element("dd", {}, value)])))));
}

function choose(index) {
  chosen = (index + data.events.length) % data.events.length;
  cursor = 0;
  const event = data.events[chosen];
  byId("entry").value = event.id;
  byId("title").textContent = `${event.title} → ${event.outcome}`;
  drawFigure();
  showOdds(event);
  showGamma(event);
  showNeighbours(event);
  showFacts(event);
  history.replaceState(null, "", `#${event.id}`);
}

function listen() {
  byId("entry").addEventListener("change", () => choose(byId("entry").selectedIndex));
  byId("previous").addEventListener("click", () => choose(chosen - 1));
  byId("next").addEventListener("click", () => choose(chosen + 1));
  const views = [...document.querySelectorAll("[data-view]")];
  views.forEach((button) => button.addEventListener("click", () => {
    view = button.dataset.view;
    views.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    drawFigure();
  }));
  const figure = byId("figure");
  figure.addEventListener("pointermove", (move) => {
    const { x } = figure.frame;
    const [from, to] = [x(data.first_s), x(data.last_s)];
    const at = move.clientX - figure.getBoundingClientRect().left;
    moveCursor(data.first_s + ((at - from) / (to - from)) * (data.last_s - data.first_s));
  });
  figure.addEventListener("keydown", (press) => {
    const act = {
      ArrowLeft: () => moveCursor(cursor - data.step_s), ArrowRight: () => moveCursor(cursor + data.step_s),
      Home: () => moveCursor(0), PageUp: () => choose(chosen - 1), PageDown: () => choose(chosen + 1),
    }[press.key];
    if (act) { act(); press.preventDefault(); }
  });
  window.addEventListener("hashchange", () => {
    const linked = data.events.findIndex((event) => `#${event.id}` === location.hash);
    if (linked >= 0 && linked !== chosen) choose(linked);
  });
  // The canvas knows no variables of the style: another theme or width draws anew.
  byId("theme").addEventListener("click", drawFigure);
  let width = figure.clientWidth;
  new ResizeObserver(() => {
    if (figure.clientWidth === width) return;
    width = figure.clientWidth;
    drawFigure();
    showGamma(data.events[chosen]);
  }).observe(figure);
}

setTheme(preferredTheme());
if (data.events.length) {
  const linked = data.events.findIndex((event) => `#${event.id}` === location.hash);
  choose(linked < 0 ? 0 : linked);
  listen();
}
document.documentElement.dataset.ready = "true";
