//go:build browser

package page_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	pictures = flag.String("pictures", "", "a directory in which pictures of the pages are kept")
	reports  = flag.String("reports", "", "reports to be looked at as well: a pattern of HTML files")
	readme   = flag.String("readme", "", "the report of examples/quickstart, whose beginning is to be the picture in README.md")
)

// browser is a Chromium without a window, which is spoken to by the DevTools protocol over a pair of pipes.
type browser struct {
	t       *testing.T
	write   io.Writer
	read    *messages
	last    int
	session string
	events  []event
}

type event struct {
	Method string
	Params json.RawMessage
}

// messages are separated by zero bytes.
type messages struct {
	from io.Reader
	rest []byte
}

func (m *messages) next() ([]byte, error) {
	for {
		if message, rest, ok := bytes.Cut(m.rest, []byte{0}); ok {
			m.rest = rest
			return message, nil
		}
		buffer := make([]byte, 1<<16)
		n, err := m.from.Read(buffer)
		m.rest = append(m.rest, buffer[:n]...)
		if err != nil {
			return nil, err
		}
	}
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: apt-get install chromium", err)
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, theirAnswers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
		"--user-data-dir="+t.TempDir())
	cmd.ExtraFiles = []*os.File{theirs, theirAnswers} // its descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	theirAnswers.Close()
	b := &browser{t: t, write: ours, read: &messages{from: answers}}
	t.Cleanup(func() {
		b.session = ""
		b.send("Browser.close", nil)
		ended := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		ended.Stop()
		ours.Close()
		answers.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *browser) send(method string, params map[string]any) {
	b.last++
	m := map[string]any{"id": b.last, "method": method, "params": params}
	if params == nil {
		m["params"] = map[string]any{}
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	message, err := json.Marshal(m)
	if err == nil {
		_, err = b.write.Write(append(message, 0))
	}
	if err != nil {
		b.t.Error(err)
	}
}

// call calls a method, and keeps what happens meanwhile.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.send(method, params)
	for {
		message, err := b.read.next()
		if err != nil {
			b.t.Fatal(err)
		}
		var m struct {
			event
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(message, &m); err != nil {
			b.t.Fatal(err)
		}
		switch {
		case m.Method != "":
			b.events = append(b.events, m.event)
		case m.ID == b.last && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error)
		case m.ID == b.last:
			if result != nil {
				if err := json.Unmarshal(m.Result, result); err != nil {
					b.t.Fatal(err)
				}
			}
			return
		}
	}
}

// evaluate is the value of a JavaScript expression, or of its promise.
func (b *browser) evaluate(expression string, result any) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	if err := json.Unmarshal(r.Result.Value, result); err != nil {
		b.t.Fatalf("%s: %v in %s", expression, err, r.Result.Value)
	}
}

// looked is what a page looks like.
type looked struct {
	Width    float64            // of the document; more than the window's is an overflow
	Beyond   []string           // elements that stick out, unless they are in a box that scrolls
	Ink      map[string]float64 // how many pixels of each figure's emptiest chart its data make
	Missing  []string           // figures without charts
	Contrast float64            // of text and background, as by WCAG
}

// look draws all figures, and looks at them.
const look = `(async () => {
	while (!window.drawFigures || document.readyState !== "complete") await new Promise(r => setTimeout(r, 20));
	drawFigures();
	await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
	const wide = document.documentElement.clientWidth, out = { Width: document.documentElement.scrollWidth, Beyond: [], Ink: {}, Missing: [] };
	for (const e of document.querySelectorAll("body *")) {
		const box = e.getBoundingClientRect();
		if (box.right > wide + 1 && !e.closest(".scroll, pre, .chart") && box.width > 0) out.Beyond.push(e.tagName + "." + e.className);
	}
	for (const f of JSON.parse(document.getElementById("figures").textContent)) {
		const canvases = document.querySelectorAll("#figure-" + f.name + " canvas");
		if (canvases.length !== f.panels.length) out.Missing.push(f.name);
		let least = Infinity;
		for (const chart of document.querySelectorAll("#figure-" + f.name + " .chart")) {
			// What the series draw is what is not there without them.
			const pixels = () => {
				const canvas = chart.querySelector("canvas"), copy = new OffscreenCanvas(canvas.width, canvas.height);
				const of = copy.getContext("2d", { willReadFrequently: true });
				of.drawImage(canvas, 0, 0);
				return of.getImageData(0, 0, canvas.width, canvas.height).data;
			};
			const of = echarts.getInstanceByDom(chart), whole = pixels();
			of.setOption({ series: [], visualMap: [] }, { replaceMerge: ["series", "visualMap"] });
			of.getZr().flush();
			const bare = pixels();
			let drawn = 0;
			for (let i = 0; i < whole.length; i += 4) {
				if (whole[i] !== bare[i] || whole[i + 1] !== bare[i + 1] || whole[i + 2] !== bare[i + 2] || whole[i + 3] !== bare[i + 3]) drawn++;
			}
			least = Math.min(least, drawn);
		}
		out.Ink[f.name] = canvases.length ? least : 0;
	}
	drawFigures();
	const light = c => c.match(/[\d.]+/g).slice(0, 3).map(v => v / 255)
		.map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
	const style = getComputedStyle(document.body), [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
	out.Contrast = (a + 0.05) / (b + 0.05);
	return out;
})()`

// TestBrowserShowsEveryFigure has a real browser show reports on a screen and on a telephone, by day and by night.
func TestBrowserShowsEveryFigure(t *testing.T) {
	b := startBrowser(t)
	seen := map[string]bool{}
	for name, text := range configurations {
		_, html := document(t, text)
		file := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(file, []byte(html), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{1280, 400} {
			for _, scheme := range []string{"light", "dark"} {
				if (width == 400) != (scheme == "dark") && name != "hostile" {
					continue // width and colours have nothing to do with each other
				}
				for _, figure := range b.show(file, width, scheme) {
					seen[figure] = true
				}
			}
		}
	}
	if len(seen) < 18 {
		t.Errorf("%d figures were seen: %v", len(seen), seen)
	}
}

// TestBrowserShowsReportsOfRuns has it show the reports that were asked for.
func TestBrowserShowsReportsOfRuns(t *testing.T) {
	files, err := filepath.Glob(*reports)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no -reports")
	}
	b := startBrowser(t)
	for _, file := range files {
		for _, width := range []int{1280, 400} {
			for _, scheme := range []string{"light", "dark"} {
				b.show(file, width, scheme)
			}
		}
	}
}

// TestBrowserTakesThePictureOfTheReadme makes the picture in README.md anew, when it is told of what report.
func TestBrowserTakesThePictureOfTheReadme(t *testing.T) {
	if *readme == "" {
		t.Skip("no -readme")
	}
	file, err := filepath.Abs(*readme)
	if err != nil {
		t.Fatal(err)
	}
	const width, height = 1180, 1150 // down to the first figures
	b := startBrowser(t)
	b.show(file, width, "light")
	b.picture(filepath.Join("..", "..", "..", "examples", "guide", "report.png"), width, height)
}

// show shows a page, finds fault with what it looks like, and returns the names of its figures.
func (b *browser) show(file string, width int, scheme string) (figures []string) {
	b.t.Helper()
	name := strings.TrimSuffix(filepath.Base(file), ".html")
	at := fmt.Sprintf("%s at %d, %s", name, width, scheme)
	b.events = nil
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.call("Page.navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: file}).String()}, nil)
	var l looked
	b.evaluate(look, &l)
	if l.Width > float64(width) || len(l.Beyond) > 0 {
		b.t.Errorf("%s: the page is %v wide; what sticks out: %v", at, l.Width, l.Beyond)
	}
	if l.Contrast < 7 {
		b.t.Errorf("%s: text and background have a contrast of %v, want 7", at, l.Contrast)
	}
	if len(l.Missing) > 0 {
		b.t.Errorf("%s: no charts in %v", at, l.Missing)
	}
	for figure, ink := range l.Ink {
		figures = append(figures, figure)
		if ink < 12 {
			b.t.Errorf("%s: a chart of %s is empty: its data make %v pixels", at, figure, ink)
		}
	}
	b.quiet(at, file)
	if *pictures != "" {
		var height int
		b.evaluate("document.documentElement.scrollHeight", &height)
		b.picture(filepath.Join(*pictures, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), width, height)
	}
	return figures
}

// quiet has the page have asked for nothing but itself, and complained of nothing.
func (b *browser) quiet(at, file string) {
	b.t.Helper()
	for _, e := range b.events {
		switch e.Method {
		case "Network.requestWillBeSent":
			var r struct{ Request struct{ URL string } }
			if err := json.Unmarshal(e.Params, &r); err != nil {
				b.t.Fatal(err)
			}
			if u := r.Request.URL; !strings.HasPrefix(u, "data:") && !strings.HasSuffix(u, filepath.Base(file)) {
				b.t.Errorf("%s: the page asks for %s", at, u)
			}
		case "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled":
			b.t.Errorf("%s: %s", at, e.Params)
		}
	}
}

// picture keeps a picture of the page down to a height.
func (b *browser) picture(file string, width, height int) {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true, "clip": map[string]any{
		"x": 0, "y": 0, "width": width, "height": height, "scale": 1}}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(file, png, 0o666)
	}
	if err != nil {
		b.t.Error(err)
	}
}
