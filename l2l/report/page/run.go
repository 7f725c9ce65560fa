package page

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// The most rows and columns of tables.
const (
	maxBest       = 100
	maxParameters = 12
	maxAnswer     = 60
	maxRows       = 100
	maxConfig     = 200_000 // characters
)

// Run is the report of a run, as far as it has been written. version is that of the program that makes it.
func Run(d *figure.Data, status report.Status, version string) (Document, error) {
	doc := Document{Title: Name(d), Lead: lead(d, status), Facts: facts(d), Version: version}
	t, ok, err := answer(d)
	if err != nil {
		return doc, err
	}
	if ok {
		doc.Found = append(doc.Found, t)
	}
	if t, ok, err = test(d); err != nil {
		return doc, err
	} else if ok {
		doc.Found = append(doc.Found, t)
	}
	kinds := figure.Kinds()
	for i, question := range figure.Questions() {
		s := Section{ID: fmt.Sprintf("question-%d", i+1), Question: question}
		for _, kind := range kinds {
			if kind.Question != question {
				continue
			}
			if f := kind.Make(d); f != nil {
				s.Figures = append(s.Figures, f)
			}
		}
		switch question {
		case figure.Matters:
			if t, ok := best(d); ok {
				s.Tables = append(s.Tables, t)
			}
		case figure.Failed:
			if t, ok := reasons(d); ok {
				s.Tables = append(s.Tables, t)
			} else {
				s.Text = "Nothing: every evaluation succeeded."
				if d.Evaluations == 0 {
					s.Text = "Nothing has been evaluated yet."
				}
			}
		}
		if len(s.Figures) > 0 || len(s.Tables) > 0 || s.Text != "" {
			doc.Sections = append(doc.Sections, s)
		}
	}
	doc.Runs = []Description{description(d, status.State == report.Running)}
	return doc, nil
}

// configuration is what a report needs of one.
type configuration struct {
	Name      string
	Optimizee struct {
		Type, Name string
		Command    []string
	}
}

// model is what was evaluated: a program by its command, a model by its type, and by its name where the type has several.
func (c configuration) model() string {
	if text := strings.Join(c.Optimizee.Command, " "); text != "" {
		if short := []rune(text); len(short) > 80 {
			text = string(short[:80]) + "…"
		}
		return text
	}
	return orSo(strings.TrimSpace(c.Optimizee.Type+" "+c.Optimizee.Name), "a model")
}

func configurationOf(d *figure.Data) (c configuration) {
	_ = yaml.Unmarshal([]byte(d.Run.Begun.Config), &c) // without it there is no name
	return c
}

// Name is what people call a run: its name, or else its directory.
func Name(d *figure.Data) string {
	if c := configurationOf(d); c.Name != "" {
		return c.Name
	}
	return d.Run.Dir
}

func lead(d *figure.Data, status report.Status) string {
	first := d.Sessions[0].Begun
	text := fmt.Sprintf("%s searches for the %s of %s", orSo(first.Algorithm, "An optimizer"), searched(d.Goals), configurationOf(d).model())
	if n := len(d.Parameters); n == 1 {
		text += ", by one parameter"
	} else {
		text += ", by " + figure.Thousands(int64(n)) + " parameters"
	}
	text += ". The run "
	switch status.State {
	case report.Running:
		text += "goes on; this is what it has written so far."
	case report.Finished:
		text += "is finished (" + status.Reason + ")."
	case report.Crashed:
		text += "was killed or crashed, and can be resumed."
	default:
		reason := strings.TrimPrefix(status.Reason, string(status.State)+": ")
		text += fmt.Sprintf("was %s (%s).", status.State, reason)
		if status.State == report.Failed {
			text = strings.Replace(text, "The run was failed", "The run failed", 1)
		}
	}
	return text
}

func orSo(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func searched(goals []figure.Goal) string {
	var words []string
	for _, g := range goals {
		most := "least"
		if g.Maximise {
			most = "greatest"
		}
		words = append(words, most+" "+g.Name)
	}
	return strings.Join(words, " and ")
}

func facts(d *figure.Data) []Fact {
	var out []Fact
	for k, goal := range d.Goals {
		if len(d.Best) == 0 || k == 2 {
			break
		}
		value := d.Best[0].Values[k]
		for _, m := range slices.Concat(d.Best, d.Front) {
			if v := m.Values[k]; goal.Maximise && v > value || !goal.Maximise && v < value {
				value = v
			}
		}
		out = append(out, Fact{"best " + goal.Name + " in the search", strings.TrimSpace(number(value) + " " + goal.Unit)})
	}
	failed := figure.Thousands(d.Failed)
	if d.Individuals > 0 && d.Failed > 0 {
		failed += fmt.Sprintf(" (%.3g %%)", 100*float64(d.Failed)/float64(d.Individuals))
	}
	out = append(out, Fact{"evaluations", figure.Thousands(d.Evaluations)}, Fact{"individuals", figure.Thousands(d.Individuals)},
		Fact{"failed", failed})
	if n := d.Generations(); n > 0 {
		out = append(out, Fact{"generations", figure.Thousands(int64(n))})
	}
	if d.Elapsed > 0 {
		out = append(out, Fact{"time", duration(d.Elapsed)})
	}
	if d.Seconds > 0 {
		out = append(out, Fact{"evaluation time", duration(d.Seconds)})
	}
	return append(out, Fact{"seed", fmt.Sprint(d.Run.Begun.Rules.Seed)})
}

// duration is a time in seconds with three digits.
func duration(seconds float64) string {
	switch {
	case seconds < 1e-3:
		return fmt.Sprintf("%.3g µs", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.3g ms", seconds*1e3)
	case seconds < 120:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds < 120*60:
		return fmt.Sprintf("%.3g min", seconds/60)
	}
	return fmt.Sprintf("%.4g h", seconds/3600)
}

func number(v float64) string { return fmt.Sprintf("%.5g", v) }

// value is a parameter's value as people read it.
func value(p figure.Parameter, v float64) Cell {
	switch {
	case len(p.Choices) > 0:
		return Cell{Text: p.Choices[int(v)]}
	case p.Kind == optimizee.Int:
		return Cell{Text: fmt.Sprintf("%.0f", v), Number: true}
	}
	return Cell{Text: number(v), Number: true}
}

// test is what the model's own test found; none where there was none.
func test(d *figure.Data) (Table, bool, error) {
	tested, err := d.Run.Tested()
	if err != nil || tested == nil || len(tested.Scores) == 0 {
		return Table{}, false, err
	}
	t := Table{Title: "The model's own test", Caption: "Of what was found"}
	switch _, x, _, err := d.Run.Found(); {
	case err != nil:
		return Table{}, false, err
	case !tested.Of(x):
		t.Caption = "Of what had been found by then, which is no longer what the run has found"
	}
	t.Caption += "; " + tested.At + ". Its numbers are those that the test returns: l2l-mpi test."
	parts, names := tested.Scores.Parts(), tested.Scores.Names()
	if len(parts) == 1 && parts[0] == "" {
		t.Columns = []Column{{Name: "number"}, {Name: "value", Number: true}}
		for _, s := range tested.Scores {
			t.Rows = append(t.Rows, []Cell{{Text: s.Name}, {Text: report.ScoreText(s.Value), Number: true}})
		}
		return t, true, nil
	}
	t.Columns = []Column{{Name: "of"}}
	for _, name := range names {
		t.Columns = append(t.Columns, Column{Name: name, Number: true})
	}
	for _, of := range parts {
		row := []Cell{{Text: of}}
		for _, name := range names {
			row = append(row, Cell{Text: report.ScoreText(tested.Scores.Value(of, name)), Number: true})
		}
		t.Rows = append(t.Rows, row)
	}
	return t, true, nil
}

// answer is what the run has found, parameter by parameter; none with several objectives and before the first success.
func answer(d *figure.Data) (Table, bool, error) {
	if len(d.Best) == 0 || len(d.Goals) > 1 {
		return Table{}, false, nil
	}
	found, err := d.Run.Answer()
	if err != nil {
		return Table{}, false, err
	}
	x, err := d.Values(found.X)
	if err != nil {
		return Table{}, false, err
	}
	t := Table{
		Title: "The answer", Caption: "This is " + report.UntoldText(l2l.Origin(found.From)),
		Columns: []Column{{Name: "parameter"}, {Name: "value", Number: true}, {Name: "unit"}, {Name: "searched"}},
	}
	objectives := d.Run.Begun.Rules.Objectives
	if found.Individual != nil {
		t.Caption = fmt.Sprintf("Individual %d, with %s in the search", *found.Individual, valuesText(objectives, found.Told))
	}
	t.Caption += ": " + found.Why + "."
	if m := found.Measured; m != nil {
		t.Caption += " Evaluated anew: " + measuredText(objectives, m) + "."
	}
	if m := found.Test; m != nil {
		t.Caption += fmt.Sprintf(" On instances %s, which the search was not shown: %s.", m.Instances, measuredText(objectives, m))
	}
	shown := slices.Sorted(slices.Values(figure.Shown(d, maxAnswer))) // as the space has them
	for _, k := range shown {
		p := d.Parameters[k]
		row := []Cell{{Text: p.Label}, value(p, x[k]), {Text: p.Unit}, {Text: searchedRange(p)}}
		t.Rows = append(t.Rows, row)
	}
	if more := len(d.Parameters) - len(shown); more > 0 {
		t.Caption += fmt.Sprintf(" The %d parameters that matter most are shown; %s more are in result.json.", len(shown), figure.Thousands(int64(more)))
	}
	return t.withoutEmpty(), true, nil
}

// valuesText is a value of each objective with its unit.
func valuesText(objectives []optimizee.Objective, values map[string]float64) string {
	var words []string
	for _, o := range objectives {
		words = append(words, strings.TrimSpace(o.Name+" "+number(values[o.Name])+" "+o.Unit))
	}
	return strings.Join(words, ", ")
}

// measuredText is what a point was found to be worth.
func measuredText(objectives []optimizee.Objective, m *report.Measured) string {
	if m.Fitnesses == 0 {
		return fmt.Sprintf("all of %d evaluations failed", m.Evaluations)
	}
	text := valuesText(objectives, m.Mean)
	for _, o := range objectives {
		if i, ok := m.Interval[o.Name]; ok {
			text += fmt.Sprintf(" (%g %%: %s to %s)", 100*m.Confidence, number(i[0]), number(i[1]))
		}
	}
	return text + fmt.Sprintf(", the mean of %d", m.Fitnesses)
}

func searchedRange(p figure.Parameter) string {
	if len(p.Choices) > 0 {
		return strings.Join(p.Choices, ", ")
	}
	if math.IsInf(p.Lower, -1) && math.IsInf(p.Upper, 1) {
		return "without bounds"
	}
	scale := ""
	if p.Log {
		scale = ", log"
	}
	return number(p.Lower) + " to " + number(p.Upper) + scale
}

// best is the table of the best individuals, or of the front.
func best(d *figure.Data) (Table, bool) {
	members := d.Best
	t := Table{Title: "The best individuals", Sorts: true, Columns: []Column{{"individual", true}, {"generation", true}}}
	if len(d.Goals) > 1 {
		members, t.Title = d.Front, "The front"
	}
	all := len(members)
	members = members[:min(all, maxBest)]
	if len(members) == 0 || members[0].X == nil {
		return Table{}, false
	}
	if all > maxBest && len(d.Goals) > 1 {
		t.Caption = fmt.Sprintf("The first %d of %s; export --table front has all.", maxBest, figure.Thousands(int64(all)))
	}
	for _, goal := range d.Goals {
		t.Columns = append(t.Columns, Column{withUnit(goal.Name, goal.Unit), true})
	}
	shown := slices.Sorted(slices.Values(figure.Shown(d, maxParameters)))
	for _, k := range shown {
		p := d.Parameters[k]
		t.Columns = append(t.Columns, Column{withUnit(p.Label, p.Unit), len(p.Choices) == 0})
	}
	if more := len(d.Parameters) - len(shown); more > 0 {
		t.Caption = strings.TrimSpace(t.Caption + fmt.Sprintf(" The %d parameters that matter most; %s.", len(shown), figure.More(more)))
	}
	for _, m := range members {
		row := []Cell{{Text: fmt.Sprint(m.ID), Number: true}, {Text: fmt.Sprint(m.Generation), Number: true}}
		for _, v := range m.Values {
			row = append(row, Cell{Text: number(v), Number: true})
		}
		for _, k := range shown {
			row = append(row, value(d.Parameters[k], m.X[k]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t, true
}

func withUnit(name, unit string) string {
	if unit == "" {
		return name
	}
	return name + " (" + unit + ")"
}

func reasons(d *figure.Data) (Table, bool) {
	t := Table{
		Title: "Reasons", Caption: "Numbers in a reason are written N, so that those that differ in nothing else are one.", Sorts: true,
		Columns: []Column{{"evaluations", true}, {Name: "ended"}, {Name: "reason"}, {"first individual", true}},
	}
	for _, r := range d.Reasons {
		t.Rows = append(t.Rows, []Cell{
			{Text: fmt.Sprint(r.Count), Number: true}, {Text: r.Ending.String()}, {Text: r.Text, Long: true}, {Text: fmt.Sprint(r.Individual), Number: true},
		})
	}
	if d.Others > 0 {
		t.Caption += " " + figure.Thousands(d.Others) + " more failed for other reasons."
	}
	return t, len(t.Rows) > 0
}

// description tells what was run. goesOn says that its last session has not ended.
func description(d *figure.Data, goesOn bool) Description {
	first := d.Run.Begun
	text := fmt.Sprintf("The run in %s, with seed %d", d.Run.Dir, first.Rules.Seed)
	if first.Algorithm != "" {
		text += fmt.Sprintf(", optimizer %s in version %d of its search", first.Algorithm, first.Search)
	}
	rules := first.Rules
	if n := rules.Evaluations(); n > 1 {
		text += fmt.Sprintf("; each individual is evaluated %d times, of which its fitness is the %s", n, orSo(string(rules.Aggregate), "mean"))
	}
	out := Description{
		Text: text + ".", Config: first.Config,
		Again: "l2l-mpi rerun " + d.Run.Dir,
	}
	if len(out.Config) > maxConfig {
		out.Config = out.Config[:maxConfig] + "\n…"
	}
	t := Table{
		Title: "Sessions", Caption: "Each start of the program.",
		Columns: []Column{{"", true}, {Name: "began"}, {"took", true}, {"evaluations before", true}, {Name: "ended"}, {Name: "hosts"}, {"slots", true},
			{Name: "job"}, {Name: "versions"}, {Name: "git commit"}, {Name: "modules"}, {Name: "command"}, {Name: "directory"}},
	}
	orders := Table{Title: "Orders", Caption: "What l2l-mpi ctl was told while the run went on.",
		Columns: []Column{{"session", true}, {Name: "at"}, {Name: "order"}, {Name: "by"}}}
	var known l2l.Session // of the last session of which it is known
	for i, s := range d.Sessions {
		began, took := "", ""
		if s.Begun.At > 0 {
			began, took = moment(s.Begun.At), duration(math.Max(0, float64(s.End-s.Begun.At)/1e6))
		}
		ended := s.Ended
		if ended == "" && (i < len(d.Sessions)-1 || !goesOn) {
			ended = "killed, or it crashed"
		}
		of := s.Begun.Session
		known.Add(of)
		t.Rows = append(t.Rows, []Cell{
			{Text: fmt.Sprint(i + 1), Number: true}, {Text: began}, {Text: took, Number: true}, {Text: figure.Thousands(s.Evaluations), Number: true},
			{Text: orSo(ended, "goes on")}, {Text: hosts(s.Begun), Long: true}, {Text: fmt.Sprint(s.Begun.Slots), Number: true},
			{Text: of.Job}, {Text: report.Session{Begun: s.Begun}.Versions(), Long: true}, {Text: of.Commit, Long: true},
			{Text: strings.Join(of.Modules, " "), Long: true}, {Text: strings.Join(of.Command, " "), Long: true}, {Text: of.Dir, Long: true},
		})
		for _, o := range s.Orders {
			orders.Rows = append(orders.Rows, []Cell{
				{Text: fmt.Sprint(i + 1), Number: true}, {Text: moment(o.At)}, {Text: strings.TrimSpace(o.Order + " " + o.Detail), Long: true}, {Text: o.By},
			})
		}
	}
	out.Tables = []Table{t.withoutEmpty()}
	if len(orders.Rows) > 0 {
		out.Tables = append(out.Tables, orders)
	}
	if files, ok := filesOf(known); ok {
		out.Tables = append(out.Tables, files)
	}
	out.Python = known.Packages
	return out
}

// moment is a time in microseconds as people read it.
func moment(unixMicro int64) string {
	return time.UnixMicro(unixMicro).UTC().Format("2006-01-02 15:04:05 UTC")
}

// filesOf is the table of the model's files; none where none are known.
func filesOf(s l2l.Session) (Table, bool) {
	t := Table{
		Title: "Files of the model and of its data", Caption: "As the last session had them.",
		Columns: []Column{{Name: "file"}, {Name: "SHA-256"}},
	}
	paths := slices.Sorted(maps.Keys(s.Files))
	if more := len(paths) - maxRows; more > 0 {
		paths = paths[:maxRows]
		t.Caption += fmt.Sprintf(" %d more are in manifest.json.", more)
	}
	for _, path := range paths {
		t.Rows = append(t.Rows, []Cell{{Text: path, Long: true}, {Text: s.Files[path], Long: true}})
	}
	return t, len(t.Rows) > 0
}

// hosts are those of a session with the number of their ranks.
func hosts(b l2l.Begun) string {
	var words []string
	ranks := map[string]int{}
	for _, h := range b.Hosts {
		ranks[h]++
	}
	for _, h := range slices.Compact(slices.Sorted(slices.Values(b.Hosts))) {
		if ranks[h] > 1 {
			h += fmt.Sprintf(" (%d ranks)", ranks[h])
		}
		words = append(words, h)
		if len(words) == 8 && len(ranks) > 8 {
			words = append(words, fmt.Sprintf("and %d more", len(ranks)-8))
			break
		}
	}
	return strings.Join(words, ", ")
}

// withoutEmpty leaves out the columns in which nothing is said.
func (t Table) withoutEmpty() Table {
	for k := len(t.Columns) - 1; k >= 0; k-- {
		if slices.ContainsFunc(t.Rows, func(row []Cell) bool { return row[k].Text != "" }) {
			continue
		}
		t.Columns = slices.Delete(t.Columns, k, k+1)
		for i := range t.Rows {
			t.Rows[i] = slices.Delete(t.Rows[i], k, k+1)
		}
	}
	return t
}
