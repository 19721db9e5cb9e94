// The research page: which target, which model of it, and which entry are shown.
const { studies, entries, roles } = readJson("data");
let study = null;

const columns = (rows, names) => Object.fromEntries(
  names.map((name, place) => [name, rows.map((row) => row[place] ?? NaN)]));

// Ranges that hold what is shown, with a margin; those that start at 0 or have no reach as well.
function fit(figure, x, y) {
  for (const [axis, values] of [["x", x], ["y", y]]) {
    const known = values.filter(Number.isFinite);
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    const margin = 0.06 * (high - low) || Math.abs(high) / 10 || 1;
    chartModel(`${figure}:${axis}`).setv({ start: low - margin, end: high + margin });
  }
}

// A table's rows: lists of cells, each as text or as a number like the heading above it.
function fill(table, rows) {
  const headings = table.tHead.rows[0].cells;
  table.tBodies[0].replaceChildren(...rows.map((cells) => element("tr", {}, ...cells.map(
    (cell, at) => element("td", { className: headings[at].className }, cell)))));
}

function options(select, names) {
  select.replaceChildren(...names.map((name, value) => element("option", { value }, name)));
}

function showStudy(place) {
  study = studies[place];
  for (const part of document.querySelectorAll("[data-study]")) {
    part.hidden = part.dataset.study !== String(place);
  }
  options(byId("model"), study.models.map((model) => model.name));
  byId("model").value = String(study.chosen);
  showModel(study.chosen);
  options(byId("answer"), study.answers.map((answer) => entries[answer.event][0]));
  byId("answer-shown").hidden = study.answers.length === 0;
  if (study.answers.length) showAnswer(0);
  else byId("answer-note").textContent = "This run has no neighbours to show: knn was not fitted, or gold was made again.";
}

function showModel(place) {
  const model = study.models[place];
  byId("model-counts").textContent = `${model.name}: ${model.counts}. ${model.calibration}`
    + (model.leftOut ? " Its details are left out, as this page holds those of other targets." : "");
  showReliability(model);
  showGains(model);
  fill(byId("strata"), model.strata.map(([kind, ...cells]) =>
    [{ level_kind_direction: "level" }[kind] ?? kind, ...cells]));
  showImportances(model);
  showDependence(model);
}

function showReliability(model) {
  byId("no-reliability").hidden = model.reliability.some((bins) => bins.length);
  const walk = study.models[study.reference]?.reliability ?? [];
  for (const [slot] of roles.entries()) {
    const bins = model.reliability[slot] ?? [];
    byId(`reliability-${slot}`).hidden = bins.length === 0;
    const most = Math.max(1, ...bins.map((bin) => bin[5]));
    const names = ["p", "share", "low", "high", "events", "weight"];
    const size = bins.map((bin) => 4 + 8 * Math.sqrt(bin[5] / most));
    chartModel(`reliability:${slot}`).data = { ...columns(bins, names), size };
    chartModel(`reliability:${slot}:reference`).data = columns(walk[slot] ?? [], ["p", "share"]);
    const events = bins.reduce((sum, bin) => sum + bin[4], 0);
    const worth = bins.reduce((sum, bin) => sum + bin[5], 0);
    chartModel(`reliability-title:${slot}`).title.text =
      `${study.classes[slot]}\n${events.toLocaleString("en")} entries, effective n ${worth.toFixed(1)}`;
  }
}

// Per day that has any: its gain per entry, and what has come together until then.
function gainsOf(model) {
  let sum = 0;
  const rows = model.gains.flatMap(([gain, each], at) => gain === null ? []
    : [[Date.parse(study.days[at]), study.days[at], each, sum += gain, study.events[at]]]);
  return columns(rows, ["day", "date", "gain", "sum", "events"]);
}

function showGains(model) {
  const data = gainsOf(model);
  chartModel("gains").data = data;
  chartModel("gains:sum").data = { ...data };
  const others = study.models.filter((one) => one !== model && one.isCandidate).map(gainsOf);
  chartModel("gains:others").data =
    { days: others.map((one) => one.day), sums: others.map((one) => one.sum) };
  fit("gains-title:session", data.day, [0, ...data.gain]);
  fit("gains-title:sum", data.day, [0, ...data.sum, ...others.flatMap((one) => one.sum)]);
  const events = data.events.reduce((sum, count) => sum + count, 0);
  const of = `${data.day.length} sessions, ${events.toLocaleString("en")} entries`;
  chartModel("gains-title:session").title.text = `Each session, per entry\n${of}`;
  chartModel("gains-title:sum").title.text = `Summed; grey: ${others.length} others\n${of}`;
}

function showImportances(model) {
  const rows = model.importances.map(([name, mean, least, most, folds]) => {
    const bar = element("span", { className: "share" });
    bar.style.width = `${Math.round(160 * mean / model.importances[0][1]) || 1}px`;
    const percent = (share) => (100 * share).toFixed(1);
    return [name, `${percent(mean)} %`, bar, `${percent(least)} to ${percent(most)} %`, folds];
  });
  byId("importances").hidden = rows.length === 0;
  fill(byId("importances"), rows);
  byId("importances-note").textContent = rows.length
    ? `Share ${{ gain: "of the trees' gain", coefficients: "of the size of all coefficients, of scaled features," }[model.leansOn]} by feature, the ${rows.length} most important. What matters to the fit need not matter to the future: see the ablations.`
    : `${model.name} says nothing of what it leans on.`;
}

function showDependence(model) {
  byId("dependence-note").replaceChildren(...(model.dependence.length ? [
    `How the mean chance over the test entries (${model.counts}) differs from its mean if a feature were everywhere what stands below: `,
    ...study.classes.map(keyed)] : []));
  for (let slot = 0; byId(`dependence-${slot}`); slot += 1) {
    const one = model.dependence[slot];
    byId(`dependence-${slot}`).hidden = !one;
    if (!one) continue;
    const unknown = one.value.map(() => NaN);
    const line = (place) => {
      const chances = one.p[place]?.map((p) => p ?? NaN) ?? unknown;
      const mean = chances.reduce((sum, p) => sum + p, 0) / chances.length;
      return chances.map((p) => p - mean);
    };
    const shown = { first: line(0), second: line(1), third: line(2) };
    chartModel(`dependence:${slot}`).data = { value: one.value, ...shown };
    fit(`dependence-title:${slot}`, one.value, Object.values(shown).flat());
    chartModel(`dependence-title:${slot}`).title.text = one.feature;
  }
}

function keyed(name, place) {
  const dashes = ["none", "6 3", "2 3"][place];
  const holder = element("span", { className: "keyed" });
  holder.innerHTML = `<svg class="key" width="26" height="10" aria-hidden="true"><path d="M0 5h26" stroke="var(--${roles[place]})" stroke-width="2.2" stroke-dasharray="${dashes}"/></svg> `;
  holder.append(name);
  return holder;
}

function entryLink(place) {
  const [words, id, link] = entries[place];
  return link ? element("a", { href: `${link}#${id}`, title: id }, words) : element("span", { title: id }, words);
}

function showAnswer(place) {
  const answer = study.answers[place];
  const { classes } = answer;
  byId("answer-note").replaceChildren(
    entryLink(answer.event), ` came to ${answer.outcome || "an unknown outcome"}. `,
    `Shown are the newest ${study.answers.length} of ${study.answerable.toLocaleString("en")} entries with neighbours; for any of them: `,
    element("code", {}, `es-physics neighbours ${entries[answer.event][1]}`));
  byId("odds").tHead.replaceChildren(element("tr", {},
    ...["Who is asked", ...classes, "Of"].map((name, at) =>
      element("th", { className: ["text name", "text"][[0, classes.length + 1].indexOf(at)] ?? "" }, name))));
  fill(byId("odds"), [
    ["neighbours, by weight", ...answer.shares,
      `${answer.count} neighbours, effective n ${answer.effective_n}`],
    ...answer.odds.map(([model, ...odds]) => [study.words[model] ?? model, ...odds, ""])]);
  fill(byId("nearest"), answer.neighbours.map(([at, ...cells]) => [entryLink(at), ...cells]));
}

async function start() {
  if (studies.length) {
    await embedCharts();
    showStudy(0);
    byId("study")?.addEventListener("change", (change) => showStudy(Number(change.target.value)));
    byId("model").addEventListener("change", (change) => showModel(Number(change.target.value)));
    byId("answer").addEventListener("change", (change) => showAnswer(Number(change.target.value)));
  }
  setTheme(preferredTheme());
  document.documentElement.dataset.ready = "true";
}

document.documentElement.dataset.theme = preferredTheme();
start();
