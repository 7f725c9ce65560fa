package mpitest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

var messages = []Scenario{
	{"messages between two ranks arrive in the order in which they were sent", inOrder},
	{"a message is found by its tag, whatever was sent before it", byTag},
	{"wildcards do not mix messages of different lengths", wildcards},
	{"Probe describes the message that Recv then takes, and leaves it in place", probe},
	{"empty messages arrive", empty},
	{"a message comes in the receiver's buffer where it fits", inBuffer},
	{"the sender may reuse its data at once", reuse},
	{"ranks may send to each other large messages before either receives", crossing},
	{"a bad rank, a bad tag and too large a message are errors, and the group stays usable", badArguments},
}

func inOrder(ctx context.Context, c mpi.Comm) error {
	const count = 300
	size := func(i int) int { return 4 + i*i%97*i } // 4 B … 28 KB: eager and rendezvous in turn
	for i := range count {
		data := pattern(size(i), i)
		binary.LittleEndian.PutUint32(data, uint32(i))
		if err := c.Send(next(c), 1, data); err != nil {
			return err
		}
	}
	for i := range count {
		want := pattern(size(i), i)
		binary.LittleEndian.PutUint32(want, uint32(i))
		if err := receive(ctx, c, prev(c), 1, want); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
	}
	return nil
}

func byTag(ctx context.Context, c mpi.Comm) error {
	tags := []int{0, 1, mpi.MaxTag}
	for _, tag := range tags {
		if err := c.Send(next(c), tag, pattern(8, tag)); err != nil {
			return err
		}
	}
	for i := range tags {
		tag := tags[len(tags)-1-i]
		if err := receive(ctx, c, prev(c), tag, pattern(8, tag)); err != nil {
			return err
		}
	}
	return nil
}

// wildcards sends from all ranks to rank 0, from each a message length of its own. A receive that probes with wildcards
// and then receives with the same wildcards takes now and then a message that it has not probed.
func wildcards(ctx context.Context, c mpi.Comm) error {
	const count = 3000
	message := func(rank int) []byte { return bytes.Repeat([]byte{byte(rank)}, 8+rank*100) }
	for range count {
		if err := c.Send(0, c.Rank(), message(c.Rank())); err != nil {
			return err
		}
	}
	if c.Rank() != 0 {
		return nil
	}
	seen := make([]int, c.Size())
	buf := make([]byte, 0, 4096)
	for i := range count * c.Size() {
		from, tag := mpi.Any, mpi.Any
		if i%2 == 1 {
			env, err := c.Probe(ctx, mpi.Any, mpi.Any)
			if err != nil {
				return err
			}
			from, tag = env.From, env.Tag
		}
		got, env, err := c.Recv(ctx, from, tag, buf)
		if err != nil {
			return err
		}
		if env.Tag != env.From || env.Len != len(got) || !bytes.Equal(got, message(env.From)) {
			return fmt.Errorf("message %d: %+v came with %s, want %s", i, env, brief(got), brief(message(env.From)))
		}
		seen[env.From]++
	}
	for rank, n := range seen {
		if n != count {
			return fmt.Errorf("%d messages from rank %d, want %d", n, rank, count)
		}
	}
	return nil
}

func probe(ctx context.Context, c mpi.Comm) error {
	if err := c.Send(next(c), 3, pattern(50, 1)); err != nil {
		return err
	}
	if err := c.Send(next(c), 4, pattern(60, 2)); err != nil {
		return err
	}
	for range 2 {
		env, err := c.Probe(ctx, mpi.Any, 4)
		if err != nil {
			return err
		}
		if want := (mpi.Envelope{From: prev(c), Tag: 4, Len: 60}); env != want {
			return fmt.Errorf("envelope is %+v, want %+v", env, want)
		}
	}
	if err := receive(ctx, c, prev(c), 4, pattern(60, 2)); err != nil {
		return err
	}
	return receive(ctx, c, prev(c), 3, pattern(50, 1))
}

func empty(ctx context.Context, c mpi.Comm) error {
	for _, data := range [][]byte{nil, {}, make([]byte, 0, 5)} {
		if err := c.Send(next(c), 2, data); err != nil {
			return err
		}
		if err := receive(ctx, c, prev(c), 2, nil); err != nil {
			return err
		}
	}
	return nil
}

func inBuffer(ctx context.Context, c mpi.Comm) error {
	buf := bytes.Repeat([]byte{0xee}, 48)
	for _, n := range []int{0, 1, 16, 17} {
		copy(buf, bytes.Repeat([]byte{0xee}, len(buf)))
		if err := c.Send(next(c), 2, pattern(n, 5)); err != nil {
			return err
		}
		got, _, err := c.Recv(ctx, prev(c), 2, buf[16:16:32])
		if err != nil {
			return err
		}
		if !bytes.Equal(got, pattern(n, 5)) {
			return fmt.Errorf("received %s, want %s", brief(got), brief(pattern(n, 5)))
		}
		used := n
		if n > 16 {
			used = 0 // came in a new array
		}
		if n > 0 && n <= 16 && &got[0] != &buf[16] {
			return fmt.Errorf("%d bytes came in a new array, want them in a buffer of 16", n)
		}
		for i, b := range buf {
			if (i < 16 || i >= 16+used) && b != 0xee {
				return fmt.Errorf("receiving %d bytes into a buffer of 16 changed byte %d relative to it", n, i-16)
			}
		}
	}
	return nil
}

func reuse(ctx context.Context, c mpi.Comm) error {
	for _, n := range []int{10, 1 << 20} {
		data := pattern(n, 1)
		if err := c.Send(next(c), 2, data); err != nil {
			return err
		}
		clear(data)
		if err := receive(ctx, c, prev(c), 2, pattern(n, 1)); err != nil {
			return err
		}
	}
	return nil
}

func crossing(ctx context.Context, c mpi.Comm) error {
	n := 16 << 20 / c.Size() // 8 MB both ways between two ranks, 16 MB to itself
	if err := c.Send(next(c), 2, pattern(n, c.Rank())); err != nil {
		return err
	}
	return receive(ctx, c, prev(c), 2, pattern(n, prev(c)))
}

func badArguments(ctx context.Context, c mpi.Comm) error {
	large, err := mapped(mpi.MaxBytes + 1)
	if err != nil {
		return err
	}
	defer syscall.Munmap(large)
	if err := c.Send(next(c), 1, large); !errors.Is(err, mpi.ErrTooLarge) {
		return fmt.Errorf("error %v from Send of %d bytes, want ErrTooLarge", err, len(large))
	}
	probe := func(from, tag int) error { _, err := c.Probe(ctx, from, tag); return err }
	recv := func(from, tag int) error { _, _, err := c.Recv(ctx, from, tag, nil); return err }
	bcast := func(root int) error { _, err := c.Bcast(ctx, root, nil); return err }
	gatherv := func(root int) error { _, err := c.Gatherv(ctx, root, nil); return err }
	split := func(colour, key int) error { _, err := c.Split(ctx, colour, key); return err }
	for call, err := range map[string]error{
		"Send to Any":             c.Send(mpi.Any, 1, nil),
		"Send to Size":            c.Send(c.Size(), 1, nil),
		"Send under Any":          c.Send(0, mpi.Any, nil),
		"Send under MaxTag+1":     c.Send(0, mpi.MaxTag+1, nil),
		"Probe from -2":           probe(-2, 1),
		"Probe from Size":         probe(c.Size(), 1),
		"Probe under MaxTag+1":    probe(0, mpi.MaxTag+1),
		"Recv from -2":            recv(-2, 1),
		"Recv from Size":          recv(c.Size(), 1),
		"Recv under -2":           recv(0, -2),
		"Bcast from Any":          bcast(mpi.Any),
		"Bcast from Size":         bcast(c.Size()),
		"Gatherv to Any":          gatherv(mpi.Any),
		"Gatherv to Size":         gatherv(c.Size()),
		"Reduce to Any":           c.Reduce(ctx, mpi.Any, mpi.Sum, nil),
		"Reduce to Size":          c.Reduce(ctx, c.Size(), mpi.Sum, nil),
		"Reduce by a bad op":      c.Reduce(ctx, 0, mpi.Max+1, nil),
		"Allreduce by a bad op":   c.Allreduce(ctx, -1, nil),
		"Split by a bad colour":   split(-2, 0),
		"Split by a large colour": split(1<<31, 0),
		"Split by a large key":    split(0, 1<<31),
	} {
		if err == nil {
			return fmt.Errorf("%s was no error", call)
		}
	}
	return usable(ctx, c)
}

// mapped returns n bytes of address space without memory behind them: touching them crashes.
func mapped(n int) ([]byte, error) {
	return syscall.Mmap(-1, 0, n, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
}
