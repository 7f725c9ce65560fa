package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// open opens the run's directory: that of a new run, or of one to go on with, whose events the search then takes in.
func (r *theRun) open() error {
	opts := journal.Options{Sync: r.Output.Sync, Checkpoint: r.Output.Checkpoint}
	if !journal.Exists(r.dir) {
		entries, err := os.ReadDir(r.dir)
		if err == nil && len(entries) > 0 {
			return usage(fmt.Errorf("output.dir: %s is not empty and holds no run; choose another directory", r.dir))
		}
		if r.journal, err = journal.Create(r.dir, opts); err != nil {
			return failure{exitFailed, err}
		}
		return r.writeDown()
	}
	if !r.options.resume {
		return usage(fmt.Errorf("output.dir: %s holds a run; go on with it by --resume, or choose another directory", r.dir))
	}
	var cut int64
	var err error
	if r.journal, cut, err = journal.Open(r.dir, opts); err != nil {
		var d *journal.Damage
		if errors.As(err, &d) {
			err = fmt.Errorf("%w; nothing was changed. To give up everything from there on: truncate -s %d %s", err, d.Offset, d.Path)
		}
		return failure{exitFailed, err}
	}
	if cut > 0 {
		r.log.Warn().Int64("bytes", cut).Msg("the journal ends within an event, as after a kill; that event is cut off")
	}
	if err := r.replay(); err != nil {
		return err
	}
	return r.writeDown()
}

// replay brings the search to the end of the journal.
func (r *theRun) replay() error {
	var from int64
	for e, err := range journal.Read(r.dir, 0) {
		if err != nil {
			return failure{exitFailed, err}
		}
		begun, ok := e.Event.(l2l.Begun)
		if !ok {
			return failure{exitFailed, fmt.Errorf("%s: its journal does not begin with a configuration", r.dir)}
		}
		if err := r.resumable(begun.Config); err != nil {
			return usage(err)
		}
		break
	}
	checkpoint, ok, passed := journal.LatestCheckpoint(r.dir)
	for _, err := range passed {
		r.log.Warn().Err(err).Msg("a checkpoint cannot be used")
	}
	if ok {
		if err := r.search.Restore(checkpoint.Snapshot); err != nil {
			r.log.Warn().Err(err).Msg("the checkpoint cannot be used; all events are replayed instead")
		} else {
			from = checkpoint.Offset
		}
	}
	events := 0
	for e, err := range journal.Read(r.dir, from) {
		if err == nil {
			_, err = r.search.Replay(e.Event)
			events++
		}
		if err != nil {
			return failure{exitFailed, fmt.Errorf("%s: event %d after byte %d: %w", r.dir, events, from, err)}
		}
	}
	r.resumed = true
	r.log.Info().Int64("evaluations", r.search.Evaluations()).Int("generation", r.search.Status().Generation).
		Bool("checkpoint", from > 0).Int("events", events).Msg("resumed")
	return nil
}

// writeDown writes the effective configuration, and opens the log.
func (r *theRun) writeDown() error {
	if err := os.MkdirAll(filepath.Join(r.dir, "logs"), 0o777); err != nil {
		return failure{exitFailed, err}
	}
	text := "# The effective configuration of this run: every default is written out.\n" + r.effective
	if err := journal.WriteFile(filepath.Join(r.dir, "run.yaml"), []byte(text)); err != nil {
		return failure{exitFailed, err}
	}
	f, err := os.OpenFile(filepath.Join(r.dir, "logs", "rank-0.jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return failure{exitFailed, err}
	}
	r.logFile = f
	level := r.log.GetLevel()
	r.log = zerolog.New(zerolog.MultiLevelWriter(console(), f)).Level(level).With().Timestamp().Logger()
	return nil
}

// close closes the journal and the log.
func (r *theRun) close() error {
	errs := []error{r.journal.Close()}
	if r.logFile != nil {
		errs = append(errs, r.logFile.Close())
	}
	return errors.Join(errs...)
}

// manifest writes manifest.json: where and by what the run was made. summary is nil while it goes on.
func (r *theRun) manifest(begun l2l.Begun, summary *l2l.Summary) error {
	m := map[string]any{
		"name": r.Name, "seed": r.Seed, "version": begun.Version, "go": runtime.Version(), "mpi": mpi.Library(), "ranks": len(r.ranks),
		"slots": begun.Slots, "hosts": begun.Hosts, "started": r.started.Format(time.RFC3339), "resumed": r.resumed,
	}
	if summary != nil {
		m["ended"], m["reason"] = time.Now().Format(time.RFC3339), summary.Reason.String()
	}
	return writeJSON(filepath.Join(r.dir, "manifest.json"), m)
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return journal.WriteFile(path, append(b, '\n'))
}

// result is result.json.
type result struct {
	Name           string      `json:"name"`
	StopReason     string      `json:"stop_reason"`
	Generations    int         `json:"generations"`
	Individuals    int64       `json:"individuals"`
	Evaluations    int64       `json:"evaluations"`
	Failures       int64       `json:"failures"`
	TrajectoryHash string      `json:"trajectory_hash"`
	Best           *bestResult `json:"best"` // null if nothing succeeded, and where there is a front

	// With several objectives that are not added up.
	Front       []solution   `json:"front,omitempty"` // in the order of the individuals
	Hypervolume *hypervolume `json:"hypervolume,omitempty"`

	Posterior []weighted `json:"posterior,omitempty"` // where the optimizer samples one; from the smallest loss to the largest
}

type bestResult struct {
	Generation int `json:"generation"`
	solution
	Units map[string]string `json:"units,omitempty"`
}

// solution is an individual with all its names.
type solution struct {
	Individual int64              `json:"individual"`
	Fitness    map[string]float64 `json:"fitness"`
	Parameters map[string]any     `json:"parameters"`
	X          []float64          `json:"x"` // the point that was searched, exactly
}

// weighted is an individual of a posterior sample.
type weighted struct {
	Individual int64          `json:"individual"`
	Weight     float64        `json:"weight"` // all add up to 1
	Loss       float64        `json:"loss"`   // what the optimizer minimises
	Parameters map[string]any `json:"parameters"`
	X          []float64      `json:"x"` // the point that was searched, exactly
}

func (r *theRun) result(s l2l.Summary) (result, error) {
	out := result{
		Name: r.Name, StopReason: s.Reason.String(), Generations: s.Generations, Individuals: s.Individuals, Evaluations: s.Evaluations,
		Failures: s.Failures, TrajectoryHash: s.TrajectoryHash,
	}
	for _, f := range s.Front {
		member, err := r.solution(f.ID, f.X, f.Fitness)
		if err != nil {
			return out, err
		}
		out.Front = append(out.Front, member)
	}
	out.Hypervolume = r.hypervolume(s.Front)
	for _, p := range s.Posterior {
		params, err := r.space.Decode(p.X)
		if err != nil {
			return out, err
		}
		out.Posterior = append(out.Posterior, weighted{Individual: p.ID, Weight: p.Weight, Loss: p.Loss[0], Parameters: named(params), X: p.X})
	}
	if s.Best == nil {
		return out, nil
	}
	best, err := r.solution(s.Best.Individual.ID, s.Best.Individual.X, s.Best.Fitness)
	out.Best = &bestResult{Generation: s.Best.Individual.Generation, solution: best, Units: map[string]string{}}
	for _, p := range r.space {
		if p.Unit != "" {
			out.Best.Units[p.Name] = p.Unit
		}
	}
	return out, err
}

func (r *theRun) solution(id int64, x, fitness []float64) (solution, error) {
	out := solution{Individual: id, Fitness: map[string]float64{}, X: x}
	params, err := r.space.Decode(x)
	if err != nil {
		return out, err
	}
	out.Parameters = named(params)
	for i, o := range r.objectives {
		out.Fitness[o.Name] = fitness[i]
	}
	return out, nil
}

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
	if !ok || r.Outcome == l2l.OK {
		return
	}
	first, _, _ := strings.Cut(r.Reason, "\n")
	level := zerolog.DebugLevel
	if f.seen++; f.seen == 1 {
		level = zerolog.WarnLevel // the others are counted in the progress
	}
	f.log.WithLevel(level).Int64("individual", r.Individual).Int("attempt", r.Attempt).Int("rank", r.Rank).Stringer("outcome", r.Outcome).
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
		var n yaml.Node
		if err := n.Encode(v.Value); err != nil {
			return err
		}
		n.Style = yaml.FlowStyle
		values.Content = append(values.Content, scalarNode(v.Name), &n)
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
	}{r.Individual, r.Instance, r.Replicate, r.Attempt, r.Rank, r.Outcome.String(), values, r.Reason})
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

// named are parameters by their names.
func named(params optimizee.Params) map[string]any {
	values := map[string]any{}
	for _, v := range params.All() {
		values[v.Name] = v.Value
	}
	return values
}
