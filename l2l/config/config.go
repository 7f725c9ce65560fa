// Package config is what a run is asked to do: the configuration as a Go value ([Config]), the YAML that it is written in, and the [Plan] that
// it becomes together with the optimizee and the optimizer that it names.
//
// A plan is made from a file ([Load]), from a text ([Parse]), or in Go ([New]). Whichever way, everything that is wrong is said at once,
// with its place, the rule and the nearest name. A plan can be written out with every default ([Plan.Effective]), which makes the same
// plan again, and can say what differs from that of a run to be resumed ([Plan.Resumable]).
//
// The package starts nothing, and reads no file but the configuration: package run does.
package config

import "time"

// Config is a run's configuration, apart from what the optimizee and the optimizer have to say.
type Config struct {
	Name       string     `yaml:"name" doc:"of the run; its directory is runs/<name>/<number>"`
	Seed       uint64     `yaml:"seed" doc:"where all randomness starts: same configuration and seed, same trajectory"`
	WarmStart  WarmStart  `yaml:"warm_start" doc:"what the optimizer begins with"`
	Evaluation Evaluation `yaml:"evaluation" doc:"what an individual is evaluated on"`
	Stop       Stop       `yaml:"stop" doc:"when the run ends; any rule that holds ends it"`
	Execution  Execution  `yaml:"execution" doc:"where and how evaluations run"`
	Output     Output     `yaml:"output" doc:"what is kept"`
}

// WarmStart says what the optimizer begins with.
type WarmStart struct {
	Run         string           `yaml:"run" doc:"directory of an earlier run, also of another optimizer, whose individuals the optimizer begins with"`
	Best        int              `yaml:"best" doc:"how many of them, the best" range:"[1, inf)"`
	Individuals []map[string]any `yaml:"individuals" doc:"points to try first: values by the names of parameters; the others are in the middle of their ranges"`
}

// Evaluation says what an individual is evaluated on, and what becomes of the results.
type Evaluation struct {
	Instances  int    `yaml:"instances" doc:"tasks of the optimizee's family that each individual is evaluated on" range:"[1, inf)"`
	Rotate     int    `yaml:"rotate" doc:"generations after which individuals are evaluated on the next instances: mini-batches; fitnesses of different instances are then compared as if they were of the same. 0 is never" range:"[0, inf)"`
	Replicates int    `yaml:"replicates" doc:"evaluations per instance, which differ by their seeds" range:"[1, inf)"`
	Aggregate  string `yaml:"aggregate" doc:"how the evaluations of an individual become its fitness" range:"mean | median | worst"`
}

// Stop are the rules that end a run.
type Stop struct {
	Generations int           `yaml:"generations" doc:"generations completed; 0 is no rule, here and below" range:"[0, inf)"`
	Evaluations int64         `yaml:"evaluations" doc:"evaluations; not one more is made, retries apart" range:"[0, inf)"`
	Target      *float64      `yaml:"target" doc:"the best fitness is at least as good as this; for one objective only"`
	Stagnation  int           `yaml:"stagnation" doc:"generations without a better individual; not for a front" range:"[0, inf)"`
	WallTime    time.Duration `yaml:"wall_time" doc:"time since this start; the run can be resumed" range:"[0, inf)"`
}

// Execution says where and how evaluations run. But for OnFailure it has no part in the search.
type Execution struct {
	Schedule     string        `yaml:"schedule" doc:"how evaluations are spread over ranks: in chunks on demand, all at once, or the one that fits their time" range:"auto | pull | collective"`
	Slots        int           `yaml:"slots" doc:"evaluations at a time on each rank" range:"[1, inf)" auto:"the CPUs that the rank has to itself, divided by those that an evaluation needs"`
	Batch        int           `yaml:"batch" doc:"evaluations that a slot hands over at a time, for optimizees that evaluate several together" range:"[1, 1e6]"`
	Timeout      time.Duration `yaml:"timeout" doc:"of one evaluation, or batch of them; 0 is none" range:"[0, inf)"`
	StartTimeout time.Duration `yaml:"start_timeout" doc:"of getting an optimizee ready, for those that take time to start; 0 is none" range:"[0, inf)"`
	OnFailure    OnFailure     `yaml:"on_failure" doc:"what follows a failed evaluation"`
	MaxFailures  int           `yaml:"max_failures" doc:"individuals that fail in a row, after which the run ends; 0 is never" range:"[0, inf)"`
}

// OnFailure says what follows a failed evaluation.
type OnFailure struct {
	Retries int    `yaml:"retries" doc:"further attempts" range:"[0, inf)"`
	Then    string `yaml:"then" doc:"what becomes of the individual after that: ranked behind all others, replaced by another, or the end of the run" range:"worst | resample | abort"`
}

// Output says what is kept of a run, and where.
type Output struct {
	Dir        string        `yaml:"dir" doc:"the run's directory" auto:"runs/<name>/<number>, a new one at each start"`
	Sync       time.Duration `yaml:"sync" doc:"how often the journal is flushed to the disk" range:"(0, inf)"`
	Checkpoint time.Duration `yaml:"checkpoint" doc:"how often the optimizer's state is kept" range:"(0, inf)"`
	KeepFailed int           `yaml:"keep_failed" doc:"directories of failed evaluations that stay in <dir>/work, where an optimizee has such" range:"[0, inf)"`
}

// Defaults is the configuration of which nothing is said.
func Defaults() Config {
	return Config{
		Name:       "run",
		Seed:       1,
		WarmStart:  WarmStart{Best: 100},
		Evaluation: Evaluation{Instances: 1, Replicates: 1, Aggregate: "mean"},
		Execution: Execution{
			Schedule: "auto", Batch: 1, StartTimeout: 5 * time.Minute, OnFailure: OnFailure{Then: "worst"}, MaxFailures: 100,
		},
		Output: Output{Sync: time.Second, Checkpoint: 10 * time.Second, KeepFailed: 100},
	}
}
