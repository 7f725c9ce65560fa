package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

// significant is the level at which a difference is called one.
const significant = 0.05

// Compare is the report of several runs of one problem. Those whose configurations differ by nothing but the seed, and by what does not belong to
// the search, are pooled.
func Compare(runs []*figure.Data, version string) (Document, error) {
	c, err := figure.Compare(runs, figure.Groups(runs))
	if err != nil {
		return Document{}, err
	}
	doc := Document{Title: "Comparison of runs", Version: version}
	doc.Lead = fmt.Sprintf("%d runs in %d groups search for the %s. Compared is the %s after %s evaluations, which all of them have made.",
		len(runs), len(c.Groups), searched(c.Goals), c.What(), figure.Thousands(c.Budget))
	doc.Found = []Table{groupTable(c)}
	doc.Sections = []Section{{ID: "question-1", Question: "Which is better?", Text: verdict(c), Figures: c.Figures()}}
	if t := testTable(c); len(t.Rows) > 0 {
		doc.Sections[0].Tables = []Table{t}
	}
	for _, g := range c.Groups {
		d := Description{Text: fmt.Sprintf("Group %s:", g.Name), Config: g.Runs[0].Run.Begun.Config}
		t := Table{Columns: []Column{{Name: "run"}, {"seed", true}, {"evaluations", true}, {"individuals that failed", true},
			{c.What(), true}}, Sorts: true}
		for i, run := range g.Runs {
			t.Rows = append(t.Rows, []Cell{
				{Text: run.Run.Dir, Long: true}, {Text: fmt.Sprint(run.Run.Begun.Rules.Seed), Number: true}, {Text: fmt.Sprint(run.Evaluations), Number: true},
				{Text: fmt.Sprint(run.Failed), Number: true}, {Text: number(g.Final[i]), Number: true},
			})
		}
		d.Tables = []Table{t}
		doc.Runs = append(doc.Runs, d)
	}
	return doc, nil
}

func groupTable(c *figure.Comparison) Table {
	t := Table{
		Title: "The groups", Sorts: true,
		Columns: []Column{{Name: "group"}, {"runs", true}, {withUnit("median of the "+c.What(), c.Measure.Unit), true}, {"middle half", true},
			{"best", true}, {"worst", true}},
	}
	for _, g := range c.Groups {
		losses := slices.Sorted(slices.Values(c.Losses(g)))
		of := func(p float64) string {
			v := statistics.Quantile(losses, p)
			if math.IsInf(v, 0) || math.IsNaN(v) {
				return "none"
			}
			if c.Measure.Maximise {
				v = -v
			}
			return number(v)
		}
		low, high := 0.25, 0.75
		if c.Measure.Maximise {
			low, high = high, low
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: g.Name}, {Text: fmt.Sprint(len(g.Runs)), Number: true}, {Text: of(0.5), Number: true}, {Text: of(low) + " to " + of(high), Number: true},
			{Text: of(0), Number: true}, {Text: of(1), Number: true},
		})
	}
	return t
}

// verdict says in words which is better, and how sure that is.
func verdict(c *figure.Comparison) string {
	tests := c.Tests()
	if len(tests) == 0 {
		return "That cannot be told from one run each: what differs between two runs may be their seeds. Several seeds of each are needed."
	}
	var sure []string
	for _, t := range tests {
		if t.P < significant {
			sure = append(sure, sentence(c, t))
		}
	}
	switch {
	case len(sure) == 0 && len(tests) == 1:
		return fmt.Sprintf("No difference is shown: with so many runs p = %.2g, want less than %v.", tests[0].P, significant)
	case len(sure) == 0:
		return fmt.Sprintf("No difference is shown: with so many runs, none of the %d comparisons has p < %v.", len(tests), significant)
	case len(sure) == len(tests):
		return strings.Join(sure, " ")
	}
	return strings.Join(sure, " ") + " The other comparisons show no difference."
}

func sentence(c *figure.Comparison, t figure.Test) string {
	a, b, p := c.Groups[t.A].Name, c.Groups[t.B].Name, t.Smaller
	if p < 0.5 {
		a, b, p = b, a, 1-p
	}
	return fmt.Sprintf("%s is better than %s: of two runs, one of each, it has the better one in %.3g %% of the pairs (p = %.2g).", a, b, 100*p, t.P)
}

func testTable(c *figure.Comparison) Table {
	t := Table{
		Title: "Each two groups", Caption: "By the rank test of Mann and Whitney, two-sided, corrected for the number of tests by Holm's " +
			"method.", Sorts: true,
		Columns: []Column{{Name: "group"}, {Name: "and group"}, {"pairs of runs in which the first is better", true}, {"p", true}, {Name: "says"}},
	}
	for _, test := range c.Tests() {
		says := "no difference is shown"
		if test.P < significant {
			better := test.A
			if test.Smaller < 0.5 {
				better = test.B
			}
			says = c.Groups[better].Name + " is better"
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: c.Groups[test.A].Name}, {Text: c.Groups[test.B].Name}, {Text: fmt.Sprintf("%.3g %%", 100*test.Smaller), Number: true},
			{Text: fmt.Sprintf("%.2g", test.P), Number: true}, {Text: says},
		})
	}
	return t
}
