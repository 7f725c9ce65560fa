// Draws the figures of the page with Apache ECharts. A figure says what is drawn; how it is drawn is decided here.
"use strict";
(() => {
	const figures = JSON.parse(document.getElementById("figures").textContent);
	const darkness = matchMedia("(prefers-color-scheme: dark)");
	// Okabe and Ito's colours, which colour-blind people tell apart; the first is that of the background.
	const light = ["#8c97a5", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#56b4e9"];
	const dark = ["#7d8896", "#56b4e9", "#e8813a", "#2fc59b", "#df9cc3", "#f0c948", "#3f8fd0"];
	const ramps = {
		light: ["#d3dbe4", "#86b9d8", "#0072b2", "#08306b"], dark: ["#38434f", "#2c7cb0", "#79c3f0", "#eaf6ff"],
		lightBoth: ["#0072b2", "#f3f3f3", "#d55e00"], darkBoth: ["#56b4e9", "#232a33", "#e8813a"],
	};
	const tones = () => darkness.matches ? dark : light;
	const tone = i => tones()[i % tones().length];
	const ramp = shade => {
		const colours = ramps[(darkness.matches ? "dark" : "light") + (shade.diverging ? "Both" : "")];
		return shade.reverse ? [...colours].reverse() : colours;
	};
	const number = v => {
		if (v === null || v === undefined || Number.isNaN(v)) return "–";
		const size = Math.abs(v);
		if (size !== 0 && (size < 1e-3 || size >= 1e6)) return v.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
		return String(+v.toPrecision(5));
	};
	// digits are those by which two numbers of a size differ that are so far apart.
	const digits = (size, width) => width > 0 && size > 0 ? Math.min(15, Math.ceil(Math.log10(size / width)) + 1) : 1;
	const range = (low, high) => {
		const n = digits(Math.max(Math.abs(low), Math.abs(high)), high - low) + 1;
		return n <= 5 ? number(low) + " to " + number(high) : +low.toPrecision(n) + " to " + +high.toPrecision(n);
	};
	// tick is a number on an axis, whose neighbour is an interval away.
	const tick = (v, interval) => {
		const size = Math.abs(v), n = digits(size, interval);
		if (size !== 0 && (size < 1e-3 || size >= 1e5)) return v.toExponential(Math.max(1, n - 1)).replace(/\.?0+e/, "e").replace("e+", "e");
		return String(+v.toPrecision(Math.max(6, n)));
	};
	const escape = text => String(text).replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
	const text = axis => axis.label ? axis.label + (axis.unit ? " (" + axis.unit + ")" : "") : "";
	const say = (axis, v) => axis.names ? axis.names[Math.round(v)] : number(v) + (axis.unit ? " " + axis.unit : "");

	const colours = () => {
		const of = getComputedStyle(document.documentElement);
		return { text: of.getPropertyValue("--text"), soft: of.getPropertyValue("--soft"), line: of.getPropertyValue("--line"), back: of.getPropertyValue("--back") };
	};
	const font = "system-ui, 'Segoe UI', 'Liberation Sans', Arial, sans-serif";

	// step is the round number of which at most about n make a width.
	const step = (width, n) => {
		const power = 10 ** Math.floor(Math.log10(width / n));
		return power * ([1, 2, 5].find(m => m * power >= width / n * (1 - 1e-9)) ?? 10);
	};
	// ticks are the options of an axis that is shown from low to high, with at most so many parts.
	const ticks = (axis, low, high, parts) => {
		const at = [];
		let interval = 0;
		if (axis.log) {
			const first = Math.floor(Math.log10(low) + 1e-9), last = Math.ceil(Math.log10(high) - 1e-9), each = Math.ceil((last - first) / parts);
			for (let d = first; d <= last; d += each) {
				for (const m of last - first < 3 ? [1, 2, 5] : [1]) at.push(m * 10 ** d);
			}
		} else {
			interval = Math.max(step(high - low, parts), axis.whole ? 1 : 0);
			for (let i = Math.ceil(low / interval - 1e-6); i <= high / interval + 1e-6; i++) at.push(i === 0 ? 0 : +(i * interval).toPrecision(12));
		}
		const customValues = at.filter(v => v >= low - 1e-9 * Math.abs(low) && v <= high + 1e-9 * Math.abs(high));
		return { axisLabel: { customValues, formatter: v => tick(v, interval) }, axisTick: { customValues }, splitLine: { customValues } };
	};
	const measure = document.createElement("canvas").getContext("2d");
	const widest = names => {
		measure.font = "11.5px " + font;
		return Math.max(0, ...names.map(n => measure.measureText(n).width));
	};

	const parts = (vertical, width) => vertical ? 5 : Math.max(2, Math.min(7, Math.round(width / 70)));

	// margin is what the last number of an axis of X needs to the right of it.
	const margin = (axis, width) => {
		if (axis.names) return 14;
		const { customValues, formatter } = ticks(axis, axis.min, axis.max, parts(false, width)).axisLabel;
		return Math.max(14, Math.ceil(widest(customValues.slice(-1).map(formatter)) / 2) + 2);
	};

	const axisOption = (axis, c, vertical, width) => {
		const option = {
			type: axis.log ? "log" : "value", min: axis.min, max: axis.max, axisLine: { show: !vertical, lineStyle: { color: c.soft } },
			axisTick: { show: !vertical, lineStyle: { color: c.soft } }, splitLine: { show: vertical, lineStyle: { color: c.line } },
			axisLabel: { color: c.soft, fontSize: 11.5, hideOverlap: true },
		};
		option.axisLine.onZero = false;
		if (!axis.names) {
			const of = ticks(axis, axis.min, axis.max, parts(vertical, width));
			for (const key in of) Object.assign(option[key], of[key]);
		}
		if (axis.names) {
			const each = Math.ceil(axis.names.length / Math.max(1, Math.floor(width / (vertical ? 14 : 30))));
			const at = axis.names.map((_, i) => i).filter(i => vertical || i % each === 0);
			option.inverse = vertical;
			option.splitLine = { show: false };
			option.axisTick = { show: false };
			option.axisLabel = {
				color: c.soft, fontSize: 11.5, customValues: at, interval: 0, formatter: v => axis.names[Math.round(v)] ?? "",
				width: vertical ? namesWidth(axis, width) : Math.max(40, width / at.length - 4), overflow: "truncate",
				rotate: !vertical && rotated(axis, width / at.length) ? 45 : 0,
			};
			if (option.axisLabel.rotate) option.axisLabel.width = 80;
		}
		return option;
	};

	const rotated = (axis, room) => axis.names.some(n => n.length * 7 > room);
	const namesWidth = (axis, width) => Math.ceil(Math.min(widest(axis.names) + 2, width * 0.38));

	// nearest is the index of the value that is nearest to v.
	const nearest = (values, v) => {
		let best = -1;
		for (let i = 0; i < values.length; i++) {
			if (values[i] !== null && (best < 0 || Math.abs(values[i] - v) < Math.abs(values[best] - v))) best = i;
		}
		return best;
	};

	const box = (params, x, y, width, height) => echarts.graphic.clipRectByRect({ x, y, width, height }, params.coordSys);

	const seriesOption = (s, panel, c) => {
		const colour = tone(s.tone), zip = (...columns) => columns[0].map((_, i) => columns.map(column => column[i]));
		const base = { name: s.name || "", itemStyle: { color: colour }, silent: false, animation: false, z: 2 };
		switch (s.mark) {
		case "line":
		case "steps":
			return {
				...base, type: "line", step: s.mark === "steps" ? "end" : false, data: zip(s.v, s.w), showSymbol: s.v.length === 1, symbolSize: 6,
				lineStyle: { color: colour, width: s.tone === 0 ? 1.2 : 2, type: s.tone === 0 ? "dashed" : "solid" }, clip: true, z: 4,
			};
		case "points": {
			const few = s.v.length <= 3;
			return {
				...base, type: "scatter", data: s.value ? zip(s.v, s.w, s.value) : zip(s.v, s.w), clip: true, z: s.tone === 1 ? 5 : 3,
				symbolSize: few ? 10 : s.v.length > 400 ? 4 : 6, symbol: few ? "diamond" : "circle",
				itemStyle: s.value ? { opacity: 0.9 } : { color: colour, opacity: few ? 1 : s.v.length > 400 ? 0.45 : 0.65 }, large: false,
			};
		}
		case "band":
			return {
				...base, type: "custom", clip: true, z: 1, silent: true, data: [[panel.x.min, panel.y.min]],
				renderItem: (params, api) => {
					const children = [];
					let up = [], down = [];
					const flush = () => {
						if (up.length > 1) {
							children.push({ type: "polygon", shape: { points: [...up, ...down.reverse()] }, style: { fill: colour, opacity: 0.26 } });
						}
						up = [];
						down = [];
					};
					const low = panel.y.log ? panel.y.min : -Infinity;
					s.v.forEach((x, i) => {
						if (x === null || s.w[i] === null || s.w2[i] === null || panel.x.log && x <= 0) return flush();
						up.push(api.coord([x, Math.max(s.w[i], low)]));
						down.push(api.coord([x, Math.max(s.w2[i], low)]));
					});
					flush();
					return { type: "group", children };
				},
			};
		case "rects":
			return {
				...base, type: "custom", data: s.value ? zip(s.v, s.v2, s.w, s.w2, s.value) : zip(s.v, s.v2, s.w, s.w2), encode: { x: [0, 1], y: [2, 3] },
				renderItem: (params, api) => {
					const a = api.coord([api.value(0), api.value(2)]), b = api.coord([api.value(1), api.value(3)]);
					const x = Math.min(a[0], b[0]), y = Math.min(a[1], b[1]), width = Math.abs(a[0] - b[0]), height = Math.abs(a[1] - b[1]);
					const gap = !s.value && width > 4 ? 0.5 : 0;
					const shape = box(params, x + gap, y, Math.max(width - 2 * gap, 0.7), Math.max(height, 0.7));
					return shape && { type: "rect", shape, style: { fill: api.visual("color") } };
				},
			};
		case "segments":
			return {
				...base, type: "custom", data: zip(s.v, s.v2, s.w, s.w2), encode: { x: [0, 1], y: [2, 3] }, clip: true, z: 4, silent: true,
				renderItem: (params, api) => {
					const a = api.coord([api.value(0), api.value(2)]), b = api.coord([api.value(1), api.value(3)]);
					return { type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: s.tone === 0 ? c.text : colour, lineWidth: s.tone === 0 ? 1.5 : 2 } };
				},
			};
		case "rules":
			return {
				...base, type: "line", data: [], markLine: {
					symbol: "none", silent: true, animation: false, label: { show: false }, lineStyle: { color: colour, width: 1.2, type: [3, 3] },
					data: (s.v || []).map(x => ({ xAxis: x })),
				},
			};
		}
		throw new Error("no mark " + s.mark);
	};

	const panelOption = (panel, c, width) => {
		const drawn = panel.series.filter(s => s.v && s.v.length);
		const lines = drawn.some(s => s.mark === "line" || s.mark === "steps");
		const option = {
			animation: false, backgroundColor: "transparent", textStyle: { fontFamily: font, color: c.text },
			grid: panel.y.names ? { left: namesWidth(panel.y, width) + 14, right: margin(panel.x, width), top: 24, bottom: panel.x.names && rotated(panel.x, width / panel.x.names.length) ? 70 : 24 } : { left: 4, right: margin(panel.x, width), top: 24, bottom: 4, containLabel: true },
			xAxis: axisOption(panel.x, c, false, width), yAxis: axisOption(panel.y, c, true, width), series: drawn.map(s => seriesOption(s, panel, c)),
			toolbox: {
				right: 6, top: -17, itemSize: 11, iconStyle: { borderColor: c.soft }, showTitle: false,
				feature: { dataZoom: { filterMode: "none", brushStyle: { color: c.soft, opacity: 0.2 } }, restore: {} },
			},
			tooltip: {
				trigger: lines ? "axis" : "item", confine: true, backgroundColor: c.back, borderColor: c.line, textStyle: { color: c.text, fontSize: 12.5 },
				axisPointer: { lineStyle: { color: c.soft } }, extraCssText: "white-space: normal; max-width: 320px;",
				formatter: params => {
					if (!lines) {
						const s = drawn[params.seriesIndex], i = params.dataIndex, rows = [];
						if (s.text && s.text[i]) rows.push("<b>" + escape(s.text[i]) + "</b>");
						if (s.mark === "points") {
							rows.push(escape(panel.x.label) + ": " + escape(say(panel.x, s.v[i])), escape(panel.y.label || panel.title || "") + ": " + escape(say(panel.y, s.w[i])));
						} else if (!s.text) {
							rows.push(escape(panel.x.names ? say(panel.x, (s.v[i] + s.v2[i]) / 2) : number(s.v[i]) + " to " + number(s.v2[i])) + ": " + number(s.w2[i] - s.w[i]));
						}
						if (s.value) rows.push(escape(panel.shade.label) + ": " + number(s.value[i]) + (panel.shade.unit ? " " + escape(panel.shade.unit) : ""));
						return rows.join("<br>");
					}
					if (!params.length) return "";
					const x = params[0].axisValue, rows = ["<b>" + escape(panel.x.label) + " " + escape(say(panel.x, x)) + "</b>"];
					for (const s of drawn) {
						const i = nearest(s.v, x);
						if (i < 0 || s.mark === "rules" || s.mark === "points") continue;
						rows.push(escape(s.name || panel.title || panel.y.label || "") + ": " + (s.mark === "band" ? number(s.w[i]) + " to " + number(s.w2[i]) : number(s.w[i])));
					}
					return rows.join("<br>");
				},
			},
		};
		const shaded = drawn.findIndex(s => s.value);
		if (shaded >= 0) {
			option.visualMap = {
				show: false, type: "continuous", min: panel.shade.min, max: panel.shade.max > panel.shade.min ? panel.shade.max : panel.shade.min + 1,
				dimension: drawn[shaded].mark === "points" ? 2 : 4, seriesIndex: shaded, inRange: { color: ramp(panel.shade) },
			};
		}
		return option;
	};

	const parallelOption = (parallel, c, width) => {
		const narrow = width < 560, values = parallel.rows.map(r => r[parallel.by]);
		return {
			animation: false, backgroundColor: "transparent", textStyle: { fontFamily: font, color: c.text },
			parallel: narrow ? { layout: "vertical", left: 14, right: 22, top: 26, bottom: 16 } : { left: 46, right: 60, top: 34, bottom: 26 },
			parallelAxis: parallel.axes.map((axis, dim) => ({
				dim, name: text(axis), type: axis.names ? "category" : axis.log ? "log" : "value", data: axis.names, inverse: false,
				...(axis.names ? {} : { min: axis.min, max: axis.max, ...(axis.log ? {} : { interval: Math.max(step(axis.max - axis.min, 5), axis.whole ? 1 : 0) }) }), nameLocation: narrow ? "start" : "end",
				nameTextStyle: { color: c.text, fontSize: 11.5, align: narrow ? "left" : "center", width: narrow ? 200 : Math.max(50, width / parallel.axes.length - 8), overflow: "truncate" },
				...(narrow ? { nameGap: 0, nameTextStyle: { color: c.text, fontSize: 11.5, align: "left", verticalAlign: "bottom", padding: [0, 0, 8, 0], textBorderColor: c.back, textBorderWidth: 3 } } : {}),
				axisLabel: { color: c.soft, fontSize: 11, ...(axis.names ? {} : { formatter: v => tick(v, axis.log ? 0 : (axis.max - axis.min) / 10) }), hideOverlap: true, textBorderColor: c.back, textBorderWidth: 3 },
				axisLine: { lineStyle: { color: c.soft } }, axisTick: { lineStyle: { color: c.soft } }, realtime: true,
				areaSelectStyle: { width: 16, color: tone(2), opacity: 0.3, borderColor: tone(2) },
			})),
			visualMap: {
				show: false, type: "continuous", dimension: parallel.by, min: Math.min(...values), max: Math.max(...values, Math.min(...values) + 1e-300),
				inRange: { color: ramp({ reverse: !parallel.up }) },
			},
			series: [{
				type: "parallel", data: parallel.rows.map(r => r.map((v, k) => parallel.axes[k].names ? parallel.axes[k].names[v] : v)), smooth: false,
				lineStyle: { width: 1.2, opacity: 0.55 }, inactiveOpacity: 0.03, activeOpacity: 0.9, progressive: 0,
			}],
		};
	};

	const heightOf = (figure, panel, width) => {
		if (panel.parallel) return width < 560 ? 44 * panel.parallel.axes.length + 60 : 340;
		if (panel.y.names) return Math.max(110, Math.min(panel.x.names ? 1e9 : 1000, (panel.x.names ? 26 : 22) * panel.y.names.length + (panel.x.names ? 100 : 56)));
		return figure.panels.length === 1 ? 310 : 210;
	};

	const legends = (holder, figure) => {
		const seen = new Set();
		let bands = 0; // a narrower one lies upon a wider one
		const add = (name, paint, ramp) => {
			const item = document.createElement("span");
			item.textContent = name;
			item.style.setProperty("--tone", paint);
			if (ramp) item.className = "ramp";
			holder.append(item);
		};
		const shades = (label, unit, colours, low, high) => add(label + (unit ? " (" + unit + ")" : "") + ", " + range(low, high), "linear-gradient(to right, " + colours.join(", ") + ")", true);
		for (const panel of figure.panels) {
			for (const s of panel.series || []) {
				if (s.name && s.v && s.v.length && !seen.has(s.name)) {
					seen.add(s.name);
					add(s.name, s.mark === "band" ? tone(s.tone) + (bands++ ? "88" : "44") : s.mark === "segments" && s.tone === 0 ? colours().text : tone(s.tone));
				}
			}
		}
		const { shade, parallel } = figure.panels[0];
		if (shade) shades(shade.label, shade.unit, ramp(shade), shade.min, shade.max);
		if (parallel) {
			const values = parallel.rows.map(r => r[parallel.by]), axis = parallel.axes[parallel.by];
			shades(axis.label, axis.unit, ramp({ reverse: !parallel.up }), Math.min(...values), Math.max(...values));
		}
	};

	const charts = new Map(); // by their elements

	const draw = figure => {
		const of = document.getElementById("figure-" + figure.name);
		of.querySelector(".legend").replaceChildren();
		legends(of.querySelector(".legend"), figure);
		of.querySelectorAll(".chart").forEach((element, i) => {
			const panel = figure.panels[i], c = colours();
			const height = heightOf(figure, panel, element.clientWidth);
			element.style.height = height + "px";
			let chart = charts.get(element);
			if (!chart) {
				chart = echarts.init(element, null, { renderer: "canvas" });
				charts.set(element, chart);
			}
			if (panel.x.names && panel.y.names) element.style.maxWidth = 42 * panel.x.names.length + 160 + "px";
			chart.resize();
			chart.off("datazoom");
			chart.on("datazoom", () => rezoom(chart, panel, element.clientWidth));
			chart.off("restore");
			chart.on("restore", () => setTimeout(() => draw(figure)));
			chart.setOption(panel.parallel ? parallelOption(panel.parallel, c, element.clientWidth) : panelOption(panel, c, element.clientWidth), true);
		});
		of.dataset.drawn = "true";
	};

	// rezoom has the axes of a chart tick by round numbers of what is shown of them now.
	const rezoom = (chart, panel, width) => {
		const of = (name, axis) => {
			if (axis.names) return {};
			const [low, high] = chart.getModel().getComponent(name).axis.scale.getExtent();
			return ticks(axis, low, high, parts(name === "yAxis", width));
		};
		chart.setOption({ xAxis: of("xAxis", panel.x), yAxis: of("yAxis", panel.y) });
	};

	const build = figure => {
		const panels = document.getElementById("figure-" + figure.name).querySelector(".panels");
		panels.style.gridTemplateColumns = "repeat(auto-fill, minmax(min(100%, max(250px, " + Math.floor(100 / figure.columns - 4) + "%)), 1fr))";
		for (const panel of figure.panels) {
			const holder = document.createElement("div");
			const line = (className, content) => {
				if (!content) return;
				const element = document.createElement("div");
				element.className = className;
				element.textContent = content;
				holder.append(element);
			};
			line("panel-title", panel.title);
			if (!panel.parallel) line("axis above", text(panel.y));
			const chart = document.createElement("div");
			chart.className = "chart";
			chart.style.height = heightOf(figure, panel, 600) + "px";
			holder.append(chart);
			if (!panel.parallel) line("axis below", text(panel.x));
			panels.append(holder);
		}
	};

	// A figure is drawn when it is about to be seen; all of them are where the page is printed.
	const all = () => figures.forEach(draw);
	figures.forEach(build);
	const watcher = new IntersectionObserver(entries => {
		for (const entry of entries) {
			if (!entry.isIntersecting) continue;
			watcher.unobserve(entry.target);
			draw(figures.find(f => "figure-" + f.name === entry.target.id));
		}
	}, { rootMargin: "800px" });
	figures.forEach(f => watcher.observe(document.getElementById("figure-" + f.name)));
	const again = () => figures.filter(f => document.getElementById("figure-" + f.name).dataset.drawn).forEach(draw);
	darkness.addEventListener("change", again);
	let width = innerWidth, later = 0;
	addEventListener("resize", () => {
		if (innerWidth === width) return; // of a telephone, whose bars come and go
		width = innerWidth;
		clearTimeout(later);
		later = setTimeout(again, 150);
	});
	addEventListener("beforeprint", all);
	window.drawFigures = all;

	// A table is sorted by the column whose name is chosen.
	for (const button of document.querySelectorAll("th button")) {
		button.addEventListener("click", () => {
			const head = button.parentElement, body = head.closest("table").tBodies[0], column = head.cellIndex;
			const down = head.getAttribute("aria-sort") === "ascending";
			for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
			head.setAttribute("aria-sort", down ? "descending" : "ascending");
			const key = row => {
				const content = row.cells[column].dataset.value ?? row.cells[column].textContent;
				return content !== "" && !Number.isNaN(+content) ? +content : content;
			};
			const rows = [...body.rows].map(row => [key(row), row]).sort(([a], [b]) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
			body.replaceChildren(...(down ? rows.reverse() : rows).map(([, row]) => row));
		});
	}
})();
