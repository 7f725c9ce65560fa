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

	hash  hash.Hash
	spare [][]byte // memory of lines that were held
}

func newTrail() *trail { return &trail{Held: map[int64][]byte{}, hash: sha256.New()} }

// follow adds what is to be hashed of individual n. It does not keep line.
func (t *trail) follow(n int64, line []byte) {
	if n == t.Next {
		t.hash.Write(line)
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
		t.hash.Write(line)
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
		all.hash.Write(t.Held[n])
	}
	return all.hash.Sum(nil)
}

// pack has the hash's state in Trail.
func (t *trail) pack() {
	state, err := t.hash.(encoding.BinaryMarshaler).MarshalBinary()
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
	if t.hash = sha256.New(); t.Held == nil {
		t.Held = map[int64][]byte{}
	}
	return t.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(t.Trail)
}
