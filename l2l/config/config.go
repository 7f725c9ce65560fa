// Package config is what a run is asked to do: the configuration as a Go value ([Config]), the YAML that it is written in, and the [Plan] that
// it becomes together with the optimizee and the optimizer that it names.
//
// A plan is made from a file ([Load]), from a text ([Parse]), or in Go ([New]). Whichever way, everything that is wrong is said at once,
// with its place, the rule and the nearest name. A plan can be written out with every default ([Plan.Effective]), which makes the same
// plan again, and can say what differs from that of a run to be resumed ([Plan.Resumable]).
//
// The package starts nothing, and reads no file but the configuration: package run does.
package config

import (
	"net"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Config is a run's configuration, apart from what the optimizee and the optimizer have to say.
type Config struct {
	Name       string       `yaml:"name" doc:"of the run; its directory is runs/<name>/<number>" resume:"free"`
	Seed       uint64       `yaml:"seed" doc:"where all randomness starts: same configuration and seed, same trajectory"`
	WarmStart  WarmStart    `yaml:"warm_start" doc:"what the optimizer begins with"`
	Evaluation l2l.Sampling `yaml:"evaluation" doc:"what an individual is evaluated on"`
	Stop       l2l.Stop     `yaml:"stop" doc:"when the run ends; any rule that holds ends it" resume:"free"`
	Execution  Execution    `yaml:"execution" doc:"where and how evaluations run"`
	Output     Output       `yaml:"output" doc:"what is kept" resume:"free"`
}

// WarmStart says what the optimizer begins with.
type WarmStart struct {
	Run         string           `yaml:"run" doc:"directory of an earlier run, also of another optimizer, whose individuals the optimizer begins with"`
	Best        int              `yaml:"best" doc:"how many of them, the best" range:"[1, inf)"`
	Individuals []map[string]any `yaml:"individuals" doc:"points to try first: values by the names of parameters; the others are in the middle of their ranges"`
}

// Execution says where and how evaluations run. But for Parallel, Quorum and OnFailure it has no part in the search.
type Execution struct {
	Schedule     string        `yaml:"schedule" doc:"how evaluations are spread over ranks: in chunks on demand, in rounds of one block each, or the one that fits their time" range:"auto | pull | collective" resume:"free"`
	Levels       int           `yaml:"levels" doc:"1: rank 0 gives each rank its evaluations; 2: it gives them to relays, which are some of the ranks, evaluate nothing and serve the others" range:"[1, 2]" auto:"2 from 4,096 ranks on" resume:"free"`
	Slots        int           `yaml:"slots" doc:"evaluations at a time on each rank" range:"[1, 1e5]" auto:"the CPUs that the rank has to itself, divided by those that an evaluation needs" resume:"free"`
	Parallel     int           `yaml:"parallel" doc:"individuals whose evaluations the search keeps under way, if its optimizer has use for as many: part of the search, kept when the run is resumed whatever its ranks are then" range:"[1, 1e6]" auto:"evaluations that all ranks together can have under way when the run is first started, divided by those of an individual; 1 where evaluations rotate"`
	Quorum       float64       `yaml:"quorum" doc:"the part of a generation's individuals with whose results it is complete: what comes in later belongs to the next one, so that few slots wait. For an optimizer whose description says so. Part of the search, which depends on who is late where anything is and this is not 1: it can be resumed and replayed, but not repeated" range:"(0, 1]" auto:"1; where cmaes has searches side by side (restarts: parallel), 0.7, whenever results come in so late that others have been overtaken twice" before:"1"`
	GPUsPerSlot  int           `yaml:"gpus_per_slot" doc:"GPUs that the program of each slot is told to use, by CUDA_VISIBLE_DEVICES or ROCR_VISIBLE_DEVICES; 0 leaves these variables alone" range:"[0, 1000]" auto:"those that its rank may use, shared among the slots" autois:"-1" resume:"free"`
	Batch        int           `yaml:"batch" doc:"evaluations that a slot hands over at a time, for optimizees that evaluate several together" range:"[1, 1e6]" auto:"as many as calls need so that 5 % of their time is their own, by measurement: the first ones have even shares of all that waits; 1 for a search that waits for no generation" autois:"-1" resume:"free"`
	Copies       string        `yaml:"copies" doc:"whether an evaluation that takes suspiciously long is given to a slot of another rank as well that has nothing to do; the first result counts" range:"auto | off" resume:"free"`
	Timeout      time.Duration `yaml:"timeout" doc:"of one evaluation, or batch of them; 0 is none" range:"[0, inf)" resume:"free"`
	StartTimeout time.Duration `yaml:"start_timeout" doc:"of getting an optimizee ready, for those that take time to start; 0 is none" range:"[0, inf)" resume:"free"`
	OnFailure    l2l.OnFailure `yaml:"on_failure" doc:"what follows a failed evaluation"`
	MaxFailures  int           `yaml:"max_failures" doc:"individuals that fail in a row, after which the run ends; 0 is never" range:"[0, inf)" auto:"100; before a first one has succeeded, slots + 3 that fail for the same reason, where that is the program's (an import that fails) and not the model's own word on a point" autois:"-1" resume:"free"`

	RanksPerEvaluation int `yaml:"ranks_per_evaluation" doc:"ranks that share each evaluation, a team, which is one slot; for an optimizee that can be shared. Rank 0 is in none. Teams are filled node by node, so that few have ranks of several" range:"[1, 1e5]" resume:"free"`
}

// AutoBatch is the Batch that is measured.
const AutoBatch = -1

// Together is the number of evaluations that a slot hands over at a time, at least 1; 1 where that is measured.
func (e Execution) Together() int { return max(e.Batch, 1) }

// Failures are the rules that end a run by its failures, as l2l.Loop has them.
func (e Execution) Failures() (inARow, hopeless int) {
	if e.MaxFailures < 0 {
		return 100, 3
	}
	return e.MaxFailures, 0
}

// Early reports whether generations are complete before all their results are in, by a quorum that is given.
func (e Execution) Early() bool { return e.Quorum > 0 && e.Quorum < 1 }

// Output says what is kept of a run, and where.
type Output struct {
	Dir        string        `yaml:"dir" doc:"the run's directory" auto:"runs/<name>/<number>, a new one at each start"`
	Sync       time.Duration `yaml:"sync" doc:"how often the journal is flushed to the disk" range:"(0, inf)"`
	Checkpoint time.Duration `yaml:"checkpoint" doc:"how often the optimizer's state is kept" range:"(0, inf)"`
	Record     l2l.Record    `yaml:"record" doc:"whether the journal holds the individuals' points, or a digest of them, from which a search is repeated: much less to write where there are many parameters" range:"points | digest"`
	OnFull     string        `yaml:"on_full" doc:"what a full disk, or quota, does: end the run, which can be resumed, or have it wait for room" range:"stop | wait"`
	LogLimit   int64         `yaml:"log_limit" doc:"of what the programs of each slot print, how much is kept in <dir>/logs, a file for each slot whose program prints anything: what was printed last; 0 is nothing" unit:"bytes" range:"[0, 1e12]"`
	Metrics    string        `yaml:"metrics,omitempty" doc:"the address, host:port, at which the first rank serves numbers of the run to Prometheus while it goes on; a port alone is one of 127.0.0.1. Where it is taken the run says so and goes on without. Without it there is none"`
	KeepFailed int           `yaml:"keep_failed" doc:"directories of failed evaluations that stay in <dir>/work, where an optimizee has such" range:"[0, inf)"`
}

// MetricsAddress is where metrics are served, host and port; "" where they are not.
func (o Output) MetricsAddress() string {
	if port := strings.TrimPrefix(o.Metrics, ":"); port != "" && !strings.Contains(port, ":") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return o.Metrics
}

// Defaults is the configuration of which nothing is said.
func Defaults() Config {
	return Config{
		Name:      "run",
		Seed:      1,
		WarmStart: WarmStart{Best: 100},
		Evaluation: l2l.Sampling{
			Instances: 1, Replicates: 1, Aggregate: l2l.Mean, Seeds: l2l.PerIndividual, Finalists: l2l.Finalists{Count: 6, Fitted: true},
		},
		Stop: l2l.Stop{WallTime: l2l.UntilJobEnds},
		Execution: Execution{
			Schedule: "auto", GPUsPerSlot: -1, Batch: 1, Copies: "auto", StartTimeout: 5 * time.Minute, OnFailure: l2l.OnFailure{Then: l2l.RankWorst},
			MaxFailures: -1, RanksPerEvaluation: 1,
		},
		Output: Output{Sync: time.Second, Checkpoint: 10 * time.Second, Record: l2l.Points, OnFull: "stop", LogLimit: 1 << 20, KeepFailed: 100},
	}
}
