package mpi

import "time"

// Option is a choice that [World] leaves to its caller.
type Option func(*options)

type options struct {
	maxIdle time.Duration // >= 0
}

// MaxIdle bounds how long a waiting rank sleeps between two looks for messages, default 1.2 ms: the latency that a long wait may add, against
// the share of a core it costs. Waits of some milliseconds sleep for 0.2 ms at most, and longer ones for less than a hundredth of their length. Where
// all ranks are on one machine, longer sleeps than d, up to 20 ms, follow a wait of some tenths of a second: a message ends them.
// With d <= 0 a rank never sleeps: the lowest latency, and a core per rank. Without MPI it has no effect.
func MaxIdle(d time.Duration) Option {
	return func(o *options) { o.maxIdle = max(d, 0) }
}
