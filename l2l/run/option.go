package run

import (
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Option changes how a run is run, and whom it tells of itself; never what it finds.
type Option func(*options)

type options struct {
	resume    bool
	memory    bool
	command   []string
	log       io.Writer
	level     zerolog.Level
	observers []l2l.Observer
	watchers  []watcher
}

func optionsOf(list []Option) options {
	o := options{log: io.Discard, level: zerolog.InfoLevel}
	for _, set := range list {
		set(&o)
	}
	return o
}

// Resume goes on with the run in the plan's directory, or in the last one of its name; it starts one where there is none.
func Resume() Option { return func(o *options) { o.resume = true } }

// InMemory keeps the run in memory: nothing is written, and it cannot be resumed. It is for runs inside of others, and for tests.
func InMemory() Option { return func(o *options) { o.memory = true } }

// Log has what people should know, from level on, also written to w, as zerolog writes it: a line of JSON each. Without it the run's directory
// has it alone, in logs/rank-0.jsonl.
func Log(w io.Writer, level zerolog.Level) Option {
	return func(o *options) { o.log, o.level = w, level }
}

// CommandLine has the run's directory tell the command line that the run was started with.
func CommandLine(words []string) Option { return func(o *options) { o.command = words } }

// LogProgress writes a line on the progress to the log when an evaluation ends, as soon as that has passed since the last one; and after ten times as
// long, at least a second, in any case.
func LogProgress(every time.Duration) Option {
	return func(o *options) { o.watchers = append(o.watchers, watcher{every: every}) }
}

// Watch calls show with the progress when an evaluation ends, as soon as that has passed since the last call, and the run waits for it; and after ten
// times as long, at least a second, in any case, so that one sees that a run lives whose evaluations take long. There are never two calls at a time.
func Watch(every time.Duration, show func(Progress)) Option {
	return func(o *options) { o.watchers = append(o.watchers, watcher{every: every, show: show}) }
}

// Observe shows an observer every event of the run.
func Observe(observer l2l.Observer) Option {
	return func(o *options) { o.observers = append(o.observers, observer) }
}
