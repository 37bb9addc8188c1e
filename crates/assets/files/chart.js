// Makes the attack timeline interactive with uPlot; the server's SVG stays where uPlot or scripts are missing.
(() => {
  "use strict";
  const draw = (holder) => {
    const table = document.getElementById(holder.dataset.chart);
    if (!table || !window.uPlot || holder.dataset.drawn) return;
    holder.dataset.drawn = "1";
    const heads = [...table.querySelectorAll("thead th")].slice(1);
    const body = [...table.querySelectorAll("tbody tr")];
    const x = body.map((row) => Number(row.dataset.at));
    const raw = heads.map((_, i) => body.map((row) => Number(row.cells[i + 1].dataset.n)));
    // Stacked: each series is drawn up to the sum of itself and those below, widest first.
    const sums = raw.map((_, i) => x.map((_, k) => raw.slice(0, i + 1).reduce((total, series) => total + series[k], 0)));
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const bars = window.uPlot.paths.bars({ size: [0.86, 60], align: 1 });
    const series = heads.map((head, i) => ({
      label: head.textContent, fill: colour(`--c-${head.dataset.class}`), stroke: colour(`--c-${head.dataset.class}`), width: 0,
      paths: bars, points: { show: false }, value: (_, __, ___, k) => (k == null ? "" : raw[i][k]),
    })).reverse();
    const zone = holder.dataset.zone;
    const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour12: false, hour: "2-digit", minute: "2-digit" });
    const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, month: "2-digit", day: "2-digit" });
    const span = x.length ? x[x.length - 1] - x[0] : 0;
    const label = (at) => { const d = new Date(at * 1000); const [dd, mm] = day.format(d).split("/"); return span > 172800 ? `${mm}-${dd}` : clock.format(d); };
    const readout = holder.parentElement.querySelector(".readout");
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const plot = new window.uPlot({
      width: holder.clientWidth, height: 220, tzDate: (ts) => window.uPlot.tzDate(new Date(ts * 1000), zone),
      cursor: { drag: { x: true, y: false, setScale: false } }, legend: { show: false },
      series: [{ label: holder.dataset.at }, ...series], axes: [{ ...axis, values: (_, ticks) => ticks.map(label) }, { ...axis, size: 44 }],
      // The last bar begins at its step and needs its width: the axis ends one step later.
      scales: { x: { time: true, range: (_, min, max) => [min, max + (x.length > 1 ? x[1] - x[0] : 60)] }, y: { range: (_, __, max) => [0, Math.max(1, max)] } },
      hooks: { setCursor: [(u) => {
        const k = u.cursor.idx;
        if (!readout) return;
        readout.textContent = k == null ? "" : `${body[k].cells[0].textContent}  ` + heads
          .map((head, i) => (raw[i][k] ? `${head.textContent} ${raw[i][k]}` : "")).filter(Boolean).join(" · ");
      }], setSelect: [(u) => {
        if (u.select.width < 8) return;
        const from = Math.floor(u.posToVal(u.select.left, "x"));
        const to = Math.ceil(u.posToVal(u.select.left + u.select.width, "x"));
        const here = new URL(location.href);
        here.searchParams.delete("range");
        here.searchParams.set("from", new Date(from * 1000).toISOString());
        here.searchParams.set("to", new Date(to * 1000).toISOString());
        location.assign(here);
      }] },
    }, [x, ...sums.reverse()], holder);
    holder.querySelector("svg.chart")?.setAttribute("hidden", "");
    new ResizeObserver(() => plot.setSize({ width: holder.clientWidth, height: 220 })).observe(holder);
  };
  const all = () => document.querySelectorAll("[data-chart]").forEach(draw);
  all();
  document.addEventListener("htmx:afterSwap", all);
})();
