package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// failureLog keeps the inputs and the reasons of failed evaluations: the first hundred in files; all of them are in the journal.
type failureLog struct {
	dir   string
	space optimizee.Space
	log   zerolog.Logger
	seen  int
}

const maxFailureFiles = 100

func (f *failureLog) observe(e l2l.Event, of *l2l.Individual, _ *l2l.Search) {
	r, ok := e.(l2l.Result)
	if !ok || r.Ending == l2l.OK {
		return
	}
	first, _, _ := strings.Cut(r.Reason, "\n")
	level := zerolog.DebugLevel
	if f.seen++; f.seen == 1 {
		level = zerolog.WarnLevel // the others are counted in the progress
	}
	f.log.WithLevel(level).Int64("individual", r.Individual).Int("attempt", r.Attempt).Int("rank", r.Rank).Stringer("outcome", r.Ending).
		Str("reason", first).Str("see", filepath.Join(f.dir, "failures")).Msg("an evaluation failed")
	if f.seen > maxFailureFiles {
		return
	}
	if err := f.keep(r, *of); err != nil {
		f.log.Warn().Err(err).Msg("a failure could not be written down; it is in the journal")
	}
}

func (f *failureLog) keep(r l2l.Result, of l2l.Individual) error {
	params, err := f.space.Decode(of.X)
	if err != nil {
		return err
	}
	values := &yaml.Node{Kind: yaml.MappingNode}
	for _, v := range params.All() {
		var name, value yaml.Node
		name.SetString(v.Name)
		if err := value.Encode(v.Value); err != nil {
			return err
		}
		value.Style = yaml.FlowStyle
		values.Content = append(values.Content, &name, &value)
	}
	text, err := yaml.Marshal(struct {
		Individual int64      `yaml:"individual"`
		Instance   int        `yaml:"instance"`
		Replicate  int        `yaml:"replicate"`
		Attempt    int        `yaml:"attempt"`
		Rank       int        `yaml:"rank"`
		Outcome    string     `yaml:"outcome"`
		Parameters *yaml.Node `yaml:"parameters"`
		Reason     string     `yaml:"reason"`
	}{r.Individual, r.Instance, r.Replicate, r.Attempt, r.Rank, r.Ending.String(), values, r.Reason})
	if err != nil {
		return err
	}
	dir := filepath.Join(f.dir, "failures")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	name := fmt.Sprintf("individual-%d-%d-%d-attempt-%d.yaml", r.Individual, r.Instance, r.Replicate, r.Attempt)
	return os.WriteFile(filepath.Join(dir, name), text, 0o666)
}
