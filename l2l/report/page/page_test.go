package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/l2l/report/page"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// hostile is an optimizee whose names and reasons would break a page that did not escape them.
type hostile struct{}

const (
	evilName   = `</script><img src="http://example.org/x">`
	evilReason = `</script><script>document.title = "broken"</script> in a line that goes on and on without a single space: ` + evilWord
	evilWord   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func (hostile) Space() optimizee.Space {
	return optimizee.Space{
		{Name: evilName, Lower: 0, Upper: 1, Unit: "<b>mV"}, {Name: evilWord, Lower: 1, Upper: 1e6, Log: true},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"<i>", evilWord, 3}}, {Name: "on", Kind: optimizee.Bool},
	}
}

func (hostile) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error <&>", Direction: optimizee.Minimise, Unit: "µV"}}
}

func (hostile) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	x := e.Float(evilName)
	if x > 0.8 {
		return optimizee.Outcome{}, errors.New(evilReason)
	}
	return optimizee.Outcome{Fitness: []float64{(x - 0.3) * (x - 0.3)}}, nil
}

var kinds = config.Kinds{
	Optimizees: []optimizee.Type{functions.Type, {Name: "hostile", New: func() optimizee.Optimizee { return hostile{} }}}, Optimizers: catalogue.All(),
}

// configurations are runs that, together, have every figure.
var configurations = map[string]string{
	"hostile":   "name: a <b> title\nseed: 1\noptimizee: {type: hostile}\noptimizer: {type: genetic, pop_size: 20}\nstop: {evaluations: 400}\n",
	"front":     "seed: 1\noptimizee: {type: function, name: zdt1, dim: 4}\noptimizer: {type: nsga2, pop_size: 20}\nstop: {evaluations: 400}\n",
	"posterior": "seed: 1\noptimizee: {type: function, name: sphere, dim: 3}\noptimizer: {type: abc_smc, particles: 40}\nstop: {generations: 4}\n",
	"converged": "seed: 1\noptimizee: {type: function, name: hartmann6}\noptimizer: {type: cmaes}\nstop: {evaluations: 4000}\n",
	"one":       "seed: 1\noptimizee: {type: function, name: sphere, dim: 1}\noptimizer: {type: cmaes}\nstop: {evaluations: 60}\n",
}

// document runs a configuration and makes the report of it.
func document(t *testing.T, text string) (page.Document, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	plan, err := config.Parse("run.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Run(t.Context(), mpi.Local(1)[0], plan.In(dir)); err != nil {
		t.Fatal(err)
	}
	r, err := report.Open(dir, kinds.Search)
	if err != nil {
		t.Fatal(err)
	}
	d, err := figure.Gather(r)
	if err != nil {
		t.Fatal(err)
	}
	status, err := report.ReadStatus(dir)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := page.Run(d, status, "v0.0.0")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := doc.Write(&out); err != nil {
		t.Fatal(err)
	}
	return doc, out.String()
}

var (
	dataOf   = regexp.MustCompile(`(?s)<script type="application/json" id="figures">(.*?)</script>`)
	scripts  = regexp.MustCompile(`(?s)<(script|style)[^>]*>.*?</(script|style)>`)
	tags     = regexp.MustCompile(`<[a-zA-Z][^>]*>`)
	external = regexp.MustCompile(`(?i)(src|href|action|data|poster|srcset)\s*=\s*["']?\s*([^"'>\s]+)|url\(|@import`)
)

func TestPageIsWholeAndEscapesWhatItIsTold(t *testing.T) {
	for name, text := range configurations {
		doc, html := document(t, text)
		match := dataOf.FindStringSubmatch(html)
		var figures []figure.Figure
		if match == nil || json.Unmarshal([]byte(match[1]), &figures) != nil || len(figures) != doc.Figures() || len(figures) < 8 {
			t.Fatalf("%s: %d figures in the data of the page, want %d", name, len(figures), doc.Figures())
		}
		for _, f := range figures {
			if !strings.Contains(html, `<figure id="figure-`+f.Name+`"`) {
				t.Errorf("%s: the page has no place for %s", name, f.Name)
			}
		}
		if n := strings.Count(html, "</script>"); n != 3 {
			t.Errorf("%s: %d scripts end, want 3", name, n)
		}
		markup := scripts.ReplaceAllString(html, "")
		for _, m := range external.FindAllStringSubmatch(strings.Join(tags.FindAllString(markup, -1), "\n"), -1) {
			if !strings.HasPrefix(m[2], "#") && !strings.HasPrefix(m[2], "data:") {
				t.Errorf("%s: the page refers to %s", name, m[0])
			}
		}
		if strings.Contains(markup, "<img") || strings.Contains(markup, "<i>") || strings.Contains(markup, "<b>") {
			t.Errorf("%s: a name is markup", name)
		}
		if len(html) > 10<<20 {
			t.Errorf("%s: the page has %d bytes", name, len(html))
		}
	}
}

func TestPageSaysWhatWasRunAndFound(t *testing.T) {
	_, html := document(t, configurations["hostile"])
	for _, want := range []string{
		"genetic searches for the least error &lt;&amp;&gt; of hostile, by 4 parameters. The run is finished (evaluations: 400).", "µV",
		"&lt;b&gt;mV", "Is it converged?",
		"Which parameters matter?", "How sure is it?", "What failed?", "What did it cost?", "l2l-mpi rerun ", "pop_size: 20", "Apache License 2.0",
		"0 to 1",
		"1 to 1e&#43;06, log",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	_, html = document(t, "seed: 1\noptimizee: {type: function, name: sphere, dim: 2, noise: 0.1}\noptimizer: {type: cmaes}\nstop: {evaluations: 400}\n"+
		"evaluation: {replicates: 2, finalists: {count: 3, evaluations: 60}, test: {instances: 5..8}}\n")
	found := regexp.MustCompile(`: evaluations are noisy, and .* Evaluated anew: value \S+ \(95 %: \S+ to \S+\), the mean of \d+\. ` +
		`On instances 5..8, which the search`)
	if !found.MatchString(html) {
		t.Error("the page does not say what the answer is worth, and how sure that is")
	}
	if _, html := document(t, configurations["posterior"]); !strings.Contains(html, "Nothing: every evaluation succeeded.") {
		t.Error("the page does not say that nothing failed")
	}
}
