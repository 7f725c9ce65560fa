// Command ranks is the side of bench/dispatch that uses package dispatch: rounds of evaluations of a null function, for some seconds. It
// prints evaluations per second.
//
//	mpirun -n 2 ranks collective|pull|one|loop DIMS COUNT SECONDS
//
// "one" has each worker evaluate one by one, each evaluation in a message of its own, sent when the one before is done. "loop" is everything that a run
// does: a random search of COUNT individuals per generation, pulled, and a journal on disk.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/design"
)

func main() {
	comm, err := mpi.World()
	if err == nil {
		err = mpi.Unlocked(comm, func() error { return run(comm) })
		err = errors.Join(err, comm.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(comm mpi.Comm) error {
	if len(os.Args) != 5 || comm.Size() < 2 {
		return errors.New("usage: mpirun -n 2… ranks collective|pull|one|loop DIMS COUNT SECONDS")
	}
	mode := os.Args[1]
	dims, err1 := strconv.Atoi(os.Args[2])
	count, err2 := strconv.Atoi(os.Args[3])
	seconds, err3 := strconv.ParseFloat(os.Args[4], 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	ctx := context.Background()
	newModel := func() (optimizee.Optimizee, error) {
		o := &functions.Optimizee{Spec: functions.Spec{Name: "null", Dim: dims}}
		return o, o.Open()
	}
	slots := make([]int, comm.Size())
	for i := range slots {
		slots[i] = 1
	}
	if comm.Rank() > 0 {
		w, err := dispatch.NewWorker(ctx, comm, 0, dispatch.Options{Make: newModel, Slots: 1})
		if err != nil {
			return err
		}
		return w.Serve(ctx)
	}
	schedule := dispatch.Schedule(mode)
	if mode == "loop" || mode == "one" {
		schedule = dispatch.Pull
	}
	c, err := dispatch.NewCoordinator(comm, dispatch.Policy{Schedule: schedule, Slots: slots})
	if err != nil {
		return err
	}
	var rate float64
	switch mode {
	case "loop":
		rate, err = loop(ctx, c, newModel, count, seconds)
	case "one":
		rate, err = oneByOne(ctx, c, dims, comm.Size()-1, seconds)
	default:
		rate, err = rounds(ctx, c, dims, count, seconds)
	}
	if err != nil {
		return err
	}
	fmt.Printf("%.0f\n", rate)
	return c.Close()
}

// rounds submits count evaluations at a time.
func rounds(ctx context.Context, c *dispatch.Coordinator, dims, count int, seconds float64) (float64, error) {
	es := make([]l2l.Evaluation, count)
	x := make([]float64, dims)
	for i := range es {
		es[i] = l2l.Evaluation{Individual: int64(i), X: x}
	}
	n, began := 0, time.Now()
	for time.Since(began).Seconds() < seconds {
		if err := c.Submit(es); err != nil {
			return 0, err
		}
		for left := count; left > 0; {
			rs, err := c.Next(ctx)
			if err != nil {
				return 0, err
			}
			left -= len(rs)
		}
		n += count
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// oneByOne has one evaluation under way for each of the workers.
func oneByOne(ctx context.Context, c *dispatch.Coordinator, dims, workers int, seconds float64) (float64, error) {
	next := []l2l.Evaluation{{X: make([]float64, dims)}}
	submit := func(n int) error {
		for range n {
			if err := c.Submit(next); err != nil {
				return err
			}
			next[0].Individual++
		}
		return nil
	}
	if err := submit(workers); err != nil {
		return 0, err
	}
	n, began := 0, time.Now()
	for time.Since(began).Seconds() < seconds {
		rs, err := c.Next(ctx)
		if err != nil {
			return 0, err
		}
		n += len(rs)
		if err := submit(len(rs)); err != nil {
			return 0, err
		}
	}
	elapsed := time.Since(began).Seconds()
	for left := workers; left > 0; {
		rs, err := c.Next(ctx)
		if err != nil {
			return 0, err
		}
		left -= len(rs)
	}
	return float64(n) / elapsed, nil
}

func loop(ctx context.Context, c *dispatch.Coordinator, newModel func() (optimizee.Optimizee, error), count int, seconds float64) (float64, error) {
	model, err := newModel()
	if err != nil {
		return 0, err
	}
	o, err := design.NewRandom(l2l.Problem(model.Space(), 0), design.RandomParams{PopSize: count}, 1)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "bench-dispatch-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	l := l2l.Loop{
		Search: l2l.NewSearch(o, l2l.Rules{Objectives: model.Objectives()}), Evaluator: c, Recorder: j,
		Stop: l2l.Stop{WallTime: time.Duration(seconds * float64(time.Second))},
	}
	s, err := l.Run(ctx)
	return float64(s.Evaluations) / time.Since(began).Seconds(), errors.Join(err, j.Close())
}
