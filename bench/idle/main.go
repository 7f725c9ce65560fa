// Command idle asks: what do ranks cost that wait, and how soon do they hear of work? Rank 0 sends each other rank a message after idle times that
// grow, and measures until the answer has come; meanwhile the ranks measure the time of the processor that they have used. Rank 0 prints both.
//
//	go run ./mpi/mpienv mpicc go build -tags mpi -o idle ./bench/idle && mpirun -n 8 ./idle
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

// rounds of each idle time; each message of a round goes to another rank, one at a time.
var rounds = []struct {
	idle  time.Duration
	count int
}{{time.Millisecond, 50}, {10 * time.Millisecond, 50}, {100 * time.Millisecond, 20}, {time.Second, 5}}

// alone is for how long the ranks wait for the measurement of their processor time.
const alone = 10 * time.Second

const (
	tagEcho = iota + 1
	tagCPU
	tagEnd
)

func main() {
	comm, err := mpi.World()
	if err == nil {
		if comm.Rank() == 0 {
			err = lead(comm)
		} else {
			err = follow(comm)
		}
		err = errors.Join(err, comm.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/idle:", err)
		os.Exit(1)
	}
}

// ask sends a rank a message, and returns the answer and the seconds that it took.
func ask(comm mpi.Comm, rank, tag int) (answer []byte, seconds float64, err error) {
	began := time.Now()
	if err = comm.Send(rank, tag, nil); err == nil {
		answer, _, err = comm.Recv(context.Background(), rank, tag, nil)
	}
	return answer, time.Since(began).Seconds(), err
}

func lead(comm mpi.Comm) error {
	load, _ := os.ReadFile("/proc/loadavg") // Linux alone has it
	fmt.Printf("%s, %d ranks, %s, %d CPUs, %s, load %s", time.Now().Format(time.DateOnly), comm.Size(), mpi.Library(), runtime.NumCPU(), runtime.Version(), load)
	fmt.Println("idle before      there and back, µs: median  of ten the slowest  messages")
	for _, r := range rounds {
		var all []float64
		for range r.count {
			for rank := 1; rank < comm.Size(); rank++ {
				time.Sleep(r.idle)
				_, seconds, err := ask(comm, rank, tagEcho)
				if err != nil {
					return err
				}
				all = append(all, 1e6*seconds)
			}
		}
		slices.Sort(all)
		fmt.Printf("%-32v %11.0f  %18.0f  %8d\n", r.idle, all[len(all)/2], all[len(all)*9/10], len(all))
	}
	cpu := func() (all []float64, err error) {
		for rank := 1; rank < comm.Size(); rank++ {
			b, _, err := ask(comm, rank, tagCPU)
			if err != nil {
				return nil, err
			}
			all = append(all, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
		return all, nil
	}
	before, err := cpu()
	if err != nil {
		return err
	}
	time.Sleep(alone)
	after, err := cpu()
	if err != nil {
		return err
	}
	for i := range after {
		after[i] = 100 * (after[i] - before[i]) / alone.Seconds()
	}
	slices.Sort(after)
	fmt.Printf("a rank that waits for %v uses %.2f %% of a core (median; %.2f to %.2f)\n", alone, after[len(after)/2], after[0], after[len(after)-1])
	for rank := 1; rank < comm.Size(); rank++ {
		if err := comm.Send(rank, tagEnd, nil); err != nil {
			return err
		}
	}
	return nil
}

func follow(comm mpi.Comm) error {
	for {
		_, envelope, err := comm.Recv(context.Background(), 0, mpi.Any, nil)
		if err != nil {
			return err
		}
		var answer []byte
		switch envelope.Tag {
		case tagEnd:
			return nil
		case tagCPU:
			answer = binary.LittleEndian.AppendUint64(nil, math.Float64bits(used()))
		}
		if err := comm.Send(0, envelope.Tag, answer); err != nil {
			return err
		}
	}
}

// used is the processor time of this process, in seconds.
func used() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
