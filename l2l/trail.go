package l2l

import (
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
)

// trail is the hash of individuals and their fitnesses, in the order of their numbers: SHA-256 over those told; the ones told before their turn are
// held.
type trail struct {
	Asked int64 // individuals that have a number; of a lane only
	Next  int64 // the number of the next one to be hashed
	Held  map[int64][]byte
	Trail []byte // the hash's state, when it is packed

	hash  *digest
	spare [][]byte // memory of lines that were held
}

func newTrail() *trail { return &trail{Held: map[int64][]byte{}, hash: newDigest()} }

// digest is a SHA-256 that is computed beside its writer, which for long points would otherwise spend a good part of its time on it.
type digest struct {
	of    hash.Hash     // of what was handed over; a goroutine's while it is busy
	last  []byte        // written, and not handed over yet
	spare []byte        // memory, or what the goroutine works on
	over  chan struct{} // the goroutine has ended
	busy  bool
}

// atOnce is the number of bytes that are handed over at a time: so many that a goroutine is worth while.
const atOnce = 1 << 16

func newDigest() *digest { return &digest{of: sha256.New(), over: make(chan struct{}, 1)} }

// write adds b, which it does not keep.
func (d *digest) write(b []byte) {
	if d.last = append(d.last, b...); len(d.last) < atOnce {
		return
	}
	d.wait()
	d.last, d.spare, d.busy = d.spare[:0], d.last, true
	go func(b []byte) {
		d.of.Write(b)
		d.over <- struct{}{}
	}(d.spare)
}

// wait waits for the goroutine.
func (d *digest) wait() {
	if d.busy {
		<-d.over
		d.busy = false
	}
}

// whole is the hash of all that was written.
func (d *digest) whole() hash.Hash {
	d.wait()
	d.of.Write(d.last)
	d.last = d.last[:0]
	return d.of
}

// follow adds what is to be hashed of individual n. It does not keep line.
func (t *trail) follow(n int64, line []byte) {
	if n == t.Next {
		t.hash.write(line)
		if t.Next++; len(t.Held) == 0 {
			return
		}
	} else {
		var held []byte
		if last := len(t.spare) - 1; last >= 0 {
			held, t.spare = t.spare[last], t.spare[:last]
		}
		t.Held[n] = append(held[:0], line...)
	}
	for line, ok := t.Held[t.Next]; ok; line, ok = t.Held[t.Next] {
		t.hash.write(line)
		t.spare = append(t.spare, line)
		delete(t.Held, t.Next)
		t.Next++
	}
}

// sum is the hash with those that are held.
func (t *trail) sum() []byte {
	t.pack()
	all := trail{Trail: t.Trail}
	if err := all.unpack(); err != nil {
		panic(fmt.Sprintf("l2l: SHA-256 does not unmarshal: %v", err))
	}
	for _, n := range slices.Sorted(maps.Keys(t.Held)) {
		all.hash.write(t.Held[n])
	}
	return all.hash.whole().Sum(nil)
}

// pack has the hash's state in Trail.
func (t *trail) pack() {
	state, err := t.hash.whole().(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(fmt.Sprintf("l2l: SHA-256 does not marshal: %v", err))
	}
	t.Trail = state
}

// unpack is the inverse of pack.
func (t *trail) unpack() error {
	if t == nil {
		return errors.New("a lane without its trail")
	}
	if t.hash = newDigest(); t.Held == nil {
		t.Held = map[int64][]byte{}
	}
	return t.hash.of.(encoding.BinaryUnmarshaler).UnmarshalBinary(t.Trail)
}
