package watch

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

var update = flag.Bool("update", false, "rewrite the expected pages in testdata")

var errorOf = optimizee.Objective{Name: "error", Direction: optimizee.Minimise, Unit: "mV"}

// midday is when the runs of the tests begin.
var midday = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// story is a run that is written as a program would write it, at times of its own.
type story struct {
	t     *testing.T
	dir   string
	j     *journal.Journal
	at    time.Time
	asked int64
	rng   *rand.Rand
	space optimizee.Space
	goals []optimizee.Objective
}

// tell begins a run.
func tell(t *testing.T, space optimizee.Space, goals ...optimizee.Objective) *story {
	t.Helper()
	s := &story{t: t, dir: filepath.Join(t.TempDir(), "run"), at: midday, rng: rand.New(rand.NewPCG(1, 2)), space: space, goals: goals}
	if err := os.MkdirAll(filepath.Join(s.dir, "logs"), 0o777); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Create(s.dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.j = j
	t.Cleanup(s.kill)
	return s
}

func (s *story) record(events ...l2l.Event) {
	s.t.Helper()
	for _, e := range events {
		if err := s.j.Record(e); err != nil {
			s.t.Fatal(err)
		}
	}
}

// session begins one, on a rank that manages and two that evaluate in two slots each.
func (s *story) session(stop string) {
	s.record(l2l.Begun{
		Config: "name: fit\nstop: {" + stop + "}\n", Version: "v1", Algorithm: "cmaes", Search: 1, Space: s.space, At: s.at.UnixMicro(),
		Hosts: []string{"node-1", "node-1", "node-2"}, Slots: 4,
		Rules: l2l.Rules{Seed: 1, Objectives: s.goals, Sum: len(s.goals) == 1, OnFailure: l2l.OnFailure{Retries: 1}},
	})
}

// generations has so many evaluated, in two seconds each; fails says why one fails.
func (s *story) generations(first, n int, fails func(individual int64) string) {
	const size = 8
	for g := first; g < first+n; g++ {
		asked := l2l.Asked{Max: size}
		for range size {
			x := make([]float64, s.space.Dim())
			for k, c := range s.space.Coordinates() {
				middle, width := (c.Lower+c.Upper)/2, (c.Upper-c.Lower)/2
				x[k] = middle + width*(s.rng.Float64()*2-1)*math.Pow(0.9, float64(g))
			}
			asked.Individuals = append(asked.Individuals, l2l.Individual{ID: s.asked, Generation: g, X: x})
			s.asked++
		}
		s.record(asked)
		for i, ind := range asked.Individuals {
			r := l2l.Result{Individual: ind.ID, Rank: 1 + i%2, Slot: i / 2 % 2, Seconds: 0.9, Host: "node"}
			s.at = s.at.Add(250 * time.Millisecond)
			r.At = s.at.UnixMicro()
			if reason := fails(ind.ID); reason != "" {
				r.Ending, r.Reason = l2l.Failed, reason
				if strings.HasPrefix(reason, "took longer") {
					r.Ending = l2l.TimedOut
				}
				s.record(r)
				r.Attempt = 1
				s.record(r)
				continue
			}
			for range s.goals {
				r.Fitness = append(r.Fitness, 100*math.Pow(0.8, float64(g))*(0.5+s.rng.Float64()))
			}
			s.record(r)
		}
		s.record(l2l.Figures{Generation: g + 1, Evaluations: s.asked, Names: []string{"sigma", "axis_ratio", "population"},
			Values: []float64{math.Pow(0.9, float64(g)), 1 + float64(g)/10, size}})
	}
}

func never(int64) string { return "" }

// kill ends the writer.
func (s *story) kill() {
	if s.j != nil {
		if err := s.j.Close(); err != nil {
			s.t.Error(err)
		}
		s.j = nil
	}
}

// resume opens the journal anew.
func (s *story) resume() {
	s.t.Helper()
	j, _, err := journal.Open(s.dir, journal.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.j = j
}

// settle has all be written, with the times of the story.
func (s *story) settle() {
	s.t.Helper()
	if s.j != nil {
		if _, err := s.j.Sync(); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, name := range []string{"journal/events", "live.json"} {
		if err := os.Chtimes(filepath.Join(s.dir, name), s.at, s.at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.t.Fatal(err)
		}
	}
}

// alive writes what rank 0 tells of what is under way.
func (s *story) alive(lost ...int) {
	s.t.Helper()
	l := report.Live{At: s.at, Host: "node-1", UnderWay: 3, Slots: []int{1, 2, 2}, Lost: lost, Longest: []report.UnderWay{
		{Individual: s.asked - 1, Seconds: 21}, {Individual: s.asked, Seconds: 4}, {Individual: s.asked + 2, Seconds: 0.5},
	}}
	if err := l.Write(s.dir); err != nil {
		s.t.Fatal(err)
	}
}

// log writes lines of rank 0's log.
func (s *story) log(lines ...string) {
	s.t.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, "logs", "rank-0.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for _, l := range lines {
		if _, err := fmt.Fprintln(f, l); err != nil {
			s.t.Fatal(err)
		}
	}
}

// open is the model of the run, as it is some time after the story's.
func (s *story) open(later time.Duration) *Model {
	s.t.Helper()
	s.settle()
	m, err := Open(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for m.Refresh(s.at.Add(later), time.Minute) {
	}
	m.dir = "runs/fit/001" // which is shown
	s.t.Cleanup(func() { m.dir = s.dir })
	return m
}

var neuron = optimizee.Space{
	{Name: "tau", Lower: 1, Upper: 100, Log: true, Unit: "ms"}, {Name: "v_reset", Lower: -80, Upper: -40, Unit: "mV"},
	{Name: "n", Kind: optimizee.Int, Lower: 1, Upper: 9}, {Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm"}},
	{Name: "weights", Size: 3, Lower: 0, Upper: 5},
}

var failing = []string{
	"ValueError: the network has no neurons: want at least 1, got %d in population exc\nTraceback (most recent call last):\n  ...", "ZeroDivisionError: division by zero",
	"exit code 3", "NESTError: BadProperty('Membrane time constant must be > 0, it is -%d ms')", "took longer than the timeout of 1m0s", "killed by signal 9",
	"MemoryError", "FileNotFoundError: [Errno 2] No such file or directory: '/data/cell-%d.nwb'", "the fitness is not finite: error = nan", "ModuleNotFoundError: No module named 'neuron'",
}

// stories are runs, and how long after their last event they are looked at.
var stories = map[string]func(t *testing.T) *Model{
	"running": func(t *testing.T) *Model {
		s := tell(t, neuron, errorOf)
		s.session("evaluations: 500, wall_time: 1h0m0s")
		s.generations(0, 30, func(id int64) string {
			if id%77 == 50 {
				return fmt.Sprintf(failing[0], id)
			}
			return ""
		})
		s.alive(2)
		s.log(`{"level":"info","dir":"runs/fit/001","ranks":3,"time":"2026-06-01T12:00:00Z","message":"begun"}`,
			`{"level":"warn","individual":50,"reason":"ValueError: the network has no neurons: want at least 1, got 50 in population exc","see":"runs/fit/001/failures/individual-50-0-0-attempt-0.yaml","time":"2026-06-01T12:00:13Z","message":"an evaluation failed"}`,
			"not JSON \x1b[31m")
		return s.open(2 * time.Second)
	},
	"starting": func(t *testing.T) *Model { return tell(t, neuron).open(time.Second) },
	"finished": func(t *testing.T) *Model {
		s := tell(t, neuron, optimizee.Objective{Name: "reward", Direction: optimizee.Maximise})
		s.session("generations: 12")
		s.generations(0, 12, never)
		s.record(l2l.Stopped{Reason: "generations: 12", Rule: l2l.Generations, At: s.at.UnixMicro()})
		s.settle()
		s.kill()
		return s.open(26 * time.Hour)
	},
	"crashed": func(t *testing.T) *Model {
		s := tell(t, neuron, errorOf)
		s.session("evaluations: 500")
		s.generations(0, 9, never)
		s.settle()
		s.kill()
		return s.open(5 * time.Minute)
	},
	"resumed": func(t *testing.T) *Model {
		s := tell(t, neuron, errorOf)
		s.session("evaluations: 500")
		s.generations(0, 9, never)
		s.settle()
		s.kill()
		s.at = s.at.Add(time.Hour)
		s.resume()
		s.session("evaluations: 500")
		s.generations(9, 10, never)
		return s.open(time.Second)
	},
	"front": func(t *testing.T) *Model {
		s := tell(t, neuron, optimizee.Objective{Name: "rate_error", Direction: optimizee.Minimise, Unit: "Hz"},
			optimizee.Objective{Name: "cv_error", Direction: optimizee.Minimise},
			optimizee.Objective{Name: "coverage", Direction: optimizee.Maximise, Unit: "%"})
		s.session("generations: 40")
		s.generations(0, 15, never)
		return s.open(time.Second)
	},
	"failing": func(t *testing.T) *Model {
		s := tell(t, neuron, errorOf)
		s.session("")
		s.generations(0, 5, func(id int64) string {
			if id%4 == 0 {
				text := failing[id/4%10]
				if strings.Contains(text, "%d") {
					text = fmt.Sprintf(text, id)
				}
				return text
			}
			return ""
		})
		return s.open(3 * time.Second)
	},
	"hopeless": func(t *testing.T) *Model {
		s := tell(t, neuron, errorOf)
		s.session("evaluations: 500")
		s.generations(0, 2, func(int64) string { return failing[9] })
		s.record(l2l.Stopped{Reason: "max failures: 16 individuals in a row", Rule: l2l.TooManyFail, At: s.at.UnixMicro()})
		s.settle()
		s.kill()
		return s.open(3 * time.Second)
	},
	"many": func(t *testing.T) *Model {
		s := tell(t, optimizee.Space{{Name: "weights", Size: 1000, Lower: -1, Upper: 1, Unit: "nS"}}, errorOf)
		s.session("evaluations: 500")
		s.generations(0, 4, never)
		return s.open(time.Second)
	},
	"digest": func(t *testing.T) *Model {
		s := tell(t, neuron, errorOf)
		s.session("evaluations: 500")
		s.record(l2l.Asked{Max: 0, Count: 4, Digest: []byte{1}})
		for id := range int64(4) {
			s.at = s.at.Add(time.Second)
			s.record(l2l.Result{Individual: id, Fitness: []float64{float64(10 - id)}, Rank: 1, Seconds: 1, At: s.at.UnixMicro()})
		}
		return s.open(time.Second)
	},
}

// sizes are the terminals that the pages are made for.
var sizes = [][2]int{{80, 24}, {60, 15}, {200, 50}}

// page is a page as text.
func page(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	return b.String()
}

func TestPagesAreAsExpected(t *testing.T) {
	shown := map[string][]Page{
		"running": {Overview, Parameters, Failures, Slots, Log}, "starting": {Overview}, "finished": {Overview, Log}, "crashed": {Overview},
		"resumed": {Overview, Slots}, "front": {Overview, Parameters}, "failing": {Overview, Failures}, "hopeless": {Overview, Parameters}, "many": {Parameters},
		"digest": {Overview, Parameters},
	}
	for name, make := range stories {
		t.Run(name, func(t *testing.T) {
			m := make(t)
			var b strings.Builder
			for _, size := range sizes {
				for _, p := range shown[name] {
					s := Screen{Page: p}
					fmt.Fprintf(&b, "---- %s, %d × %d\n%s", pageNames[p], size[0], size[1], page(m.Render(&s, size[0], size[1])))
				}
			}
			fmt.Fprintf(&b, "---- as a line\n%s\n", m.Line())
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.String(); got != string(want) {
				got, want := strings.Split(got, "\n"), strings.Split(string(want), "\n")
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						t.Fatalf("%s, line %d is\n%s\nwant\n%s\ngo test ./l2l/report/watch -update writes it; look at the difference", file, i+1, got[i], want[i])
					}
				}
				t.Fatalf("%s has %d lines, want %d", file, len(got), len(want))
			}
		})
	}
}

func TestReadmeShowsWhatIsSeen(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if seen := page(stories["running"](t).Render(&Screen{}, 60, 15)); !strings.Contains(string(readme), "```\n"+seen+"```\n") {
		t.Errorf("README.md does not show\n%s", seen)
	}
}

func TestPagesFitEveryTerminal(t *testing.T) {
	for _, name := range []string{"running", "starting", "crashed", "front", "failing", "digest"} {
		m := stories[name](t)
		for _, width := range []int{1, 2, 7, 13, 20, 33, 41, 57, 58, 79, 80, 130} {
			for _, height := range []int{1, 2, 5, 12, 24} {
				for p := range pages {
					for _, help := range []bool{false, true} {
						s := Screen{Page: p, help: help}
						for range 3 {
							got := m.Render(&s, width, height)
							if len(got) > height {
								t.Fatalf("%s: page %d, %d × %d: %d lines", name, p, width, height, len(got))
							}
							for _, l := range got {
								if l.columns() > width || strings.ContainsAny(l.String(), "\n\t\x1b") {
									t.Fatalf("%s: page %d, %d × %d: %q", name, p, width, height, l.String())
								}
							}
							s.Press(End)
							s.help = help
						}
					}
				}
			}
		}
	}
}

func TestHelpBeginsAtItsTopAndScrolls(t *testing.T) {
	m := stories["running"](t)
	for _, p := range []Page{Overview, Log} { // a log is seen from its end
		s := Screen{Page: p}
		m.Render(&s, 60, 15)
		s.Press("?")
		if got := page(m.Render(&s, 60, 15)); !strings.Contains(got, "another page") || strings.Contains(got, "standard") {
			t.Errorf("help does not begin at its top:\n%s", got)
		}
		s.Press(End)
		if got := page(m.Render(&s, 60, 15)); strings.Contains(got, "another page") || !strings.Contains(got, "standard") {
			t.Errorf("help does not end at its end:\n%s", got)
		}
		if s.Press("x") || s.help {
			t.Error("help stays after another key")
		}
	}
}

// What matters is seen on the smallest terminal, too.
func TestOverviewLeavesOutWhatSaysLeast(t *testing.T) {
	m := stories["running"](t)
	for _, size := range [][2]int{{80, 24}, {60, 15}, {50, 12}} {
		got := page(m.Render(&Screen{}, size[0], size[1]))
		for _, want := range []string{"running", "error ", " mV", "% of ", "ETA ", "/s", "of 4 slots", "3 failed", "under way", "the longest 6s", "ValueError: the"} {
			if !strings.Contains(got, want) {
				t.Errorf("%d × %d: no %q in\n%s", size[0], size[1], want, got)
			}
		}
	}
}

func TestKeysSwitchAndScrollPages(t *testing.T) {
	m := stories["many"](t)
	s := &Screen{}
	look := func() string { return page(m.Render(s, 80, 24)) }
	sees := func(key Key, want, not string) {
		t.Helper()
		if s.Press(key) {
			t.Fatalf("%s quits", key)
		}
		if got := look(); !strings.Contains(got, want) || not != "" && strings.Contains(got, not) {
			t.Errorf("after %q, want %q and not %q in\n%s", key, want, not, got)
		}
	}
	look()
	sees("2", " weights[0] ", "weights[20]")
	sees(Down, " weights[1] ", " weights[0] ")
	sees(Up, " weights[0] ", "")
	sees(Up, " weights[0] ", "")
	sees(PageDown, " weights[19] ", " weights[0] ")
	sees(End, " weights[999] ", "")
	sees(Down, " weights[999] ", "")
	sees(Home, " weights[0] ", "")
	sees(PageDown, " weights[19] ", " weights[0] ")
	sees("1", "best", "")
	sees("2", " weights[19] ", " weights[0] ") // as it was left
	sees(Home, " weights[0] ", "")
	sees("?", "quit; the run goes on", "weights[0]")
	sees(Escape, " weights[0] ", "")
	sees(Right, "No evaluation has failed", "")
	sees(Left, " weights[0] ", "")
	sees("5", "There is no log", "")
	sees("4", "rank 2", "")
	sees("1", "best", "")
	if !s.Press("q") {
		t.Error("q does not quit")
	}
}

// The log is seen from its end, and stays where somebody has scrolled to.
func TestLogIsSeenFromItsEnd(t *testing.T) {
	s := tell(t, neuron, errorOf)
	s.session("")
	for n := range 3000 {
		s.log(fmt.Sprintf(`{"level":"info","time":"2026-06-01T12:00:00Z","message":"number %d"}`, n))
	}
	m := s.open(time.Second)
	screen := &Screen{Page: Log}
	look := func() string { return page(m.Render(screen, 80, 24)) }
	if got := look(); !strings.Contains(got, "number 2999\n") || len(m.log.lines) != maxLogLines {
		t.Errorf("%d lines; the end is not in\n%s", len(m.log.lines), got)
	}
	screen.Press(PageUp)
	if got := look(); strings.Contains(got, "number 2999\n") || !strings.Contains(got, "number 2979\n") {
		t.Errorf("a page above\n%s", got)
	}
	screen.Press(Home)
	if got := look(); !strings.Contains(got, "number 1000\n") {
		t.Errorf("the beginning\n%s", got)
	}
	s.log(`{"level":"info","message":"half`)
	m.dir = s.dir
	m.Refresh(s.at, time.Minute)
	screen.Press(End)
	if got := look(); !strings.Contains(got, `message":"half`) {
		t.Errorf("the end\n%s", got)
	}
}

// However the journal comes, in parts of any size, torn in any event, the model is the same.
func TestModelIsTheSameHoweverTheJournalComes(t *testing.T) {
	whole := stories["failing"](t)
	file := filepath.Join(whole.log.file, "../../journal/events")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	now := whole.now
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "journal"), 0o777); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(dir, "journal", "events")
	if err := os.WriteFile(part, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for at := 0; at < len(b); {
		at = min(at+1+rng.IntN(200), len(b))
		if err := os.WriteFile(part, b[:at], 0o666); err != nil {
			t.Fatal(err)
		}
		for m.Refresh(now, 0) {
		}
		if m.Trouble() != "" {
			t.Fatalf("after %d bytes: %s", at, m.Trouble())
		}
	}
	m.status, m.live, m.dir = whole.status, whole.live, whole.dir
	for p := range pages {
		got, want := page(m.Render(&Screen{Page: p}, 120, 40)), page(whole.Render(&Screen{Page: p}, 120, 40))
		if got != want {
			t.Errorf("the page is\n%s\nwant\n%s", got, want)
		}
	}
}

// Over a network a part of a file may come late: it is no damage before it has stayed so; and what is damaged is said.
func TestModelWaitsForWhatComesLate(t *testing.T) {
	s := tell(t, neuron, errorOf)
	s.session("")
	s.generations(0, 2, never)
	s.settle()
	s.kill()
	file := filepath.Join(s.dir, "journal", "events")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hole := slices.Clone(whole)
	at := len(whole) - 900
	clear(hole[at : at+300]) // followed by what has come already
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(file, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(hole)
	m, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	refresh := func(after time.Duration) {
		for m.Refresh(s.at.Add(after), time.Minute) {
		}
	}
	refresh(0)
	before := m.course.Results
	if refresh(5 * time.Second); m.Trouble() != "" || before == 0 || before == 16 {
		t.Errorf("at first: %q, %d evaluations", m.Trouble(), before)
	}
	if refresh(11 * time.Second); !strings.Contains(m.Trouble(), "checksum") {
		t.Errorf("later: %q", m.Trouble())
	}
	write(whole)
	if refresh(12 * time.Second); m.Trouble() != "" || m.course.Results != 16 {
		t.Errorf("when it has come: %q, %d evaluations", m.Trouble(), m.course.Results)
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "journal")); err != nil {
		t.Fatal(err)
	}
	if refresh(13 * time.Second); !strings.Contains(m.Trouble(), "no such file") || !m.Ended() {
		t.Errorf("when it is gone: %q", m.Trouble())
	}
	// Another run in its place is begun with anew.
	again := tell(t, neuron, optimizee.Objective{Name: "reward"})
	again.session("")
	again.settle()
	again.kill()
	if err := os.Rename(filepath.Join(again.dir, "journal"), filepath.Join(s.dir, "journal")); err != nil {
		t.Fatal(err)
	}
	if refresh(14 * time.Second); m.Trouble() != "" || m.course.Results != 0 || m.course.Begun.Rules.Objectives[0].Name != "reward" {
		t.Errorf("another run: %q, %+v", m.Trouble(), m.status)
	}
}

// A run on another host is known to live by its journal and by what rank 0 writes of it.
func TestSignsOfLifeOfARunOnAnotherHost(t *testing.T) {
	s := tell(t, neuron, errorOf)
	s.session("")
	s.generations(0, 1, never)
	s.settle()
	s.kill() // as it looks where a file system has no locks across hosts
	state := func(later time.Duration) report.State {
		m, err := Open(s.dir)
		if err != nil {
			t.Fatal(err)
		}
		for m.Refresh(s.at.Add(later), time.Minute) {
		}
		return m.Status().State
	}
	file := filepath.Join(s.dir, "journal", "events")
	if err := os.Chtimes(file, s.at, s.at); err != nil {
		t.Fatal(err)
	}
	if got := state(time.Minute); got != report.Running {
		t.Errorf("a minute after the last event it is %s", got)
	}
	if got := state(time.Hour); got != report.Crashed {
		t.Errorf("an hour after the last event it is %s", got)
	}
	s.alive()
	live := filepath.Join(s.dir, "live.json")
	if err := os.Chtimes(live, s.at.Add(time.Hour), s.at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := state(time.Hour + time.Minute); got != report.Running {
		t.Errorf("a minute after the last sign of life it is %s", got)
	}
}

// What has ended is not told to be under way, although rank 0's file is a few seconds old.
func TestWhatHasEndedIsNotUnderWay(t *testing.T) {
	s := tell(t, neuron, errorOf)
	s.session("")
	s.record(l2l.Asked{Individuals: []l2l.Individual{{ID: 0, X: make([]float64, 7)}, {ID: 1, X: make([]float64, 7)}}})
	s.at = s.at.Add(5 * time.Second)
	b, err := json.Marshal(report.Live{At: s.at, UnderWay: 2, Slots: []int{1, 2, 2}, Longest: []report.UnderWay{{Individual: 0, Seconds: 5}, {Individual: 1, Seconds: 4}}})
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "live.json"), b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := s.open(time.Second)
	m.dir = s.dir
	if p := m.Progress(); p.UnderWay != 2 || p.Longest != 6*time.Second {
		t.Errorf("%+v", p)
	}
	s.record(l2l.Result{Individual: 0, Fitness: []float64{1}, At: s.at.UnixMicro()})
	for after := range 3 {
		s.settle()
		m.Refresh(s.at.Add(time.Duration(1+after)*time.Second), time.Minute)
		if p := m.Progress(); p.Longest != time.Duration(5+after)*time.Second {
			t.Errorf("look %d: %+v, want the longest to be that of individual 1", after, p)
		}
	}
}

// An evaluation that takes long keeps its slot busy before it has ended.
func TestWhatIsUnderWayKeepsSlotsBusy(t *testing.T) {
	s := tell(t, neuron, errorOf)
	s.session("")
	s.record(l2l.Asked{Individuals: []l2l.Individual{{ID: 0, X: make([]float64, 7)}, {ID: 1, X: make([]float64, 7)}}})
	s.at = s.at.Add(100 * time.Second)
	l := report.Live{At: s.at, UnderWay: 4, Slots: []int{1, 2, 2}, Longest: []report.UnderWay{{Individual: 0, Seconds: 50}, {Individual: 1, Seconds: 50}}}
	if err := l.Write(s.dir); err != nil {
		t.Fatal(err)
	}
	m := s.open(0)
	if _, seconds := m.busyNow(m.elapsed()); seconds != 200 { // two of four are known, and stand for all
		t.Errorf("%v seconds, want 200", seconds)
	}
	if got := page(m.Render(&Screen{}, 80, 24)); !strings.Contains(got, "50 % of 4 slots") {
		t.Error(got)
	}
}

func TestModelIsSmallHoweverLongTheRun(t *testing.T) {
	s := series{width: 0.5, sums: true}
	total := 0.0
	for i := range 200_000 {
		s.spread(float64(i), float64(i)+1.5, 2)
		total += 2
	}
	sum := 0.0
	for _, v := range s.cells {
		sum += v
	}
	if len(s.cells) > room || math.Abs(sum-total) > 1e-6*total {
		t.Errorf("%d cells with %v, want at most %d with %v", len(s.cells), sum, room, total)
	}
	rates := s.rates(200_000)
	for i, v := range rates[1 : len(rates)-1] {
		if math.Abs(v-2) > 0.02 {
			t.Fatalf("cell %d of %d: %v, want 2", i, len(rates), v)
		}
	}
	last := series{width: 1}
	for i := range 100_000 {
		last.add(float64(i), float64(i))
	}
	if v := last.values(); len(v) > room || v[len(v)-1] != 99_999 || v[0] < 1 || !slices.IsSorted(v) {
		t.Errorf("%d values from %v to %v", len(v), v[0], v[len(v)-1])
	}
}

func TestChartsShowValuesAndWhereThereAreNone(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		values      []float64
		width, rows int
		low, high   float64
		want        string
	}{
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, 1, nan, nan, "▁▂▃▄▅▆▇█"},
		{[]float64{0, nan, 7}, 8, 1, nan, nan, "▁ █"},
		{[]float64{3, 3}, 8, 1, nan, nan, "▅▅"},
		{[]float64{1, 10, 100}, 8, 1, nan, nan, "▁▅█"},
		{[]float64{0, 0.5, 1, 2}, 8, 2, 0, 1, " ▁██\n▁███"},
		{[]float64{0, 0, 7, 7}, 2, 1, nan, nan, "▁█"},
		{nil, 8, 2, nan, nan, "\n"},
		{[]float64{1}, 0, 1, nan, nan, ""},
	} {
		if got := strings.Join(chart(slices.Clone(c.values), c.width, c.rows, c.low, c.high), "\n"); got != c.want {
			t.Errorf("%v in %d × %d:\n%s\nwant\n%s", c.values, c.width, c.rows, got, c.want)
		}
	}
}

func TestTextsAreCutAndWrappedByTheirWidth(t *testing.T) {
	if got := cut("神経細胞", 5); got != "神経…" {
		t.Errorf("%q", got)
	}
	if got := pad("神", 4, true); got != "  神" {
		t.Errorf("%q", got)
	}
	if got := wrap("one two three", 8); !slices.Equal(got, []string{"one two", "three"}) {
		t.Errorf("%q", got)
	}
	if got := wrap("/a/very/long/path", 8); !slices.Equal(got, []string{"/a/very/", "long/pat", "h"}) {
		t.Errorf("%q", got)
	}
	if got := clean("a\tb\x1b[31m\nc"); got != "a b[31m c" {
		t.Errorf("%q", got)
	}
}
