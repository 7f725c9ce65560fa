package run

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Failure is a kind of failed evaluations: they ended alike, and the first lines of their reasons differ at most in numbers.
type Failure struct {
	Ending l2l.Ending
	Reason string // one line: that of the first of them
	Count  int    // in this session, attempts that were tried again included
}

// failureLog keeps the inputs and the reasons of failed evaluations: of each kind those of the first and of the last. All reasons are in the journal.
type failureLog struct {
	dir     string // of the run; "" in memory
	space   optimizee.Space
	log     zerolog.Logger
	kinds   map[string]*failureKind
	written time.Time // when the last ones were
}

type failureKind struct {
	Failure
	last     l2l.Result // not written yet; of individual of
	of       *l2l.Individual
	lastFile string // of the last one before; "" while the first is the last
}

const (
	maxFailureKinds = 100 // that are told apart
	maxWarnings     = 10  // kinds that people are warned of; the others are counted, and told at the end
	lastEvery       = time.Second
)

// observe is an observer.
func (f *failureLog) observe(e l2l.Event, of *l2l.Individual, _ *l2l.Search) {
	switch e := e.(type) {
	case l2l.Result:
		if e.Ending != l2l.OK {
			f.take(e, of)
		}
	case l2l.Stopped:
		f.keepLast()
	}
}

func (f *failureLog) take(r l2l.Result, of *l2l.Individual) {
	kind := f.kinds[r.Kind()]
	if kind == nil && len(f.kinds) == maxFailureKinds {
		kind = f.kinds[others]
	}
	if kind != nil {
		kind.Count++
		individual := *of
		kind.last, kind.of = r, &individual
		if time.Since(f.written) > lastEvery {
			f.keepLast()
		}
		return
	}
	kind = &failureKind{Failure: Failure{r.Ending, l2l.Headline(r.Reason), 1}}
	if len(f.kinds) == maxFailureKinds-1 {
		kind.Reason = others
		f.kinds[others] = kind
	} else {
		f.kinds[r.Kind()] = kind
	}
	level := zerolog.WarnLevel
	if len(f.kinds) > maxWarnings {
		level = zerolog.DebugLevel
	}
	line := f.log.WithLevel(level).Int64("individual", r.Individual).Int("attempt", r.Attempt).Int("rank", r.Rank).Stringer("outcome", r.Ending).
		Str("reason", kind.Reason)
	if f.dir != "" {
		line = line.Str("see", filepath.Join(f.dir, f.keep(r, *of, 1)))
	}
	line.Msg("an evaluation failed") // the first of its kind: the others are counted
}

// others is the reason of failures of too many kinds.
const others = "one of many other reasons"

// keepLast writes down the last failure of each kind, in the place of the one before it.
func (f *failureLog) keepLast() {
	f.written = time.Now()
	for _, k := range f.kinds {
		if f.dir == "" || k.of == nil {
			continue
		}
		file := f.keep(k.last, *k.of, k.Count)
		if k.lastFile != "" && k.lastFile != file {
			_ = os.Remove(filepath.Join(f.dir, k.lastFile)) // one file too many does no harm
		}
		k.lastFile, k.of = file, nil
	}
}

// keep writes a failure down, the nth of its kind, and returns the name of the file within the run's directory.
func (f *failureLog) keep(r l2l.Result, of l2l.Individual, nth int) (file string) {
	file = filepath.Join("failures", fmt.Sprintf("individual-%d-%d-%d-attempt-%d.yaml", r.Individual, r.Instance, r.Replicate, r.Attempt))
	text, err := f.text(r, of, nth)
	if err == nil {
		err = os.MkdirAll(filepath.Join(f.dir, "failures"), 0o777)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(f.dir, file), text, 0o666)
	}
	if err != nil {
		f.log.Warn().Err(err).Msg("a failure could not be written down; it is in the journal")
	}
	return file
}

func (f *failureLog) text(r l2l.Result, of l2l.Individual, nth int) ([]byte, error) {
	params, err := f.space.Decode(of.X)
	if err != nil {
		return nil, err
	}
	values := &yaml.Node{Kind: yaml.MappingNode}
	for _, v := range params.All() {
		var name, value yaml.Node
		name.SetString(v.Name)
		if err := value.Encode(v.Value); err != nil {
			return nil, err
		}
		value.Style = yaml.FlowStyle
		values.Content = append(values.Content, &name, &value)
	}
	log := slotLogFile(r.Rank, r.Slot)
	if _, err := os.Stat(filepath.Join(f.dir, log)); err != nil {
		log = "" // the program has printed nothing, or not there
	}
	return yaml.Marshal(struct {
		Individual int64      `yaml:"individual"`
		Instance   int        `yaml:"instance"`
		Replicate  int        `yaml:"replicate"`
		Attempt    int        `yaml:"attempt"`
		Rank       int        `yaml:"rank"`
		Slot       int        `yaml:"slot"`
		Outcome    string     `yaml:"outcome"`
		Nth        int        `yaml:"failures_of_this_kind"` // until then, this one included
		Log        string     `yaml:"log,omitempty"`         // where what was printed is, within the run's directory
		Parameters *yaml.Node `yaml:"parameters"`
		Reason     string     `yaml:"reason"`
	}{r.Individual, r.Instance, r.Replicate, r.Attempt, r.Rank, r.Slot, r.Ending.String(), nth, log, values, r.Reason})
}

// all are the kinds of this session, the most frequent first.
func (f *failureLog) all() []Failure {
	var all []Failure
	for _, k := range f.kinds {
		all = append(all, k.Failure)
	}
	slices.SortFunc(all, func(a, b Failure) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason)) })
	return all
}
