// Package table keeps what is known of evaluations under way, by what each is of. Each is looked up several times while it is under way, which a
// map of Go does for half of what the rest of an evaluation costs rank 0. What is kept is no business of the package.
package table

import (
	"iter"
	"math/bits"
)

// Key identifies an evaluation among those under way.
type Key struct {
	Individual                   int64
	Instance, Replicate, Attempt int
}

// Table is a map from keys to pointers, none of which is nil. It grows with what it holds at most, and allocates nothing else. The zero Table is
// empty. It is used from one goroutine.
//
// The hashes are apart from the entries, as they are small enough to be near the processor where the entries of a hundred thousand keys are not:
// what is not there is found to be so, and what is there is found, without looking at any other entry.
type Table[V any] struct {
	hashes  []uint32   // a hash table with linear probing, 0 where it is free; a power of two of them, or none
	entries []entry[V] // of the hashes
	shift   uint       // 32 minus the bits of their number
	n       int        // that are in use: at most half of them
}

type entry[V any] struct {
	key   Key
	value *V
}

// hash is that of a key, which is not 0. The multiplier is 2^64 divided by the golden ratio, which spreads numbers that follow each other.
func hash(k Key) uint32 {
	h := uint64(k.Individual) + 0x9e3779b1*uint64(k.Instance) + 0x85ebca77*uint64(k.Replicate) + 0xc2b2ae3d*uint64(k.Attempt)
	return uint32(h*0x9e3779b97f4a7c15>>32) | 1
}

// find is where the key of a hash is, or else the free place where it would be.
func (t *Table[V]) find(k Key, h uint32) (at int, there bool) {
	mask := len(t.hashes) - 1
	for at = int(h >> t.shift); t.hashes[at] != 0; at = (at + 1) & mask {
		if t.hashes[at] == h && t.entries[at].key == k {
			return at, true
		}
	}
	return at, false
}

// Len is the number of keys.
func (t *Table[V]) Len() int { return t.n }

// Get is the value of a key; nil if there is none.
func (t *Table[V]) Get(k Key) *V {
	if t.n == 0 {
		return nil
	}
	at, there := t.find(k, hash(k))
	if !there {
		return nil
	}
	return t.entries[at].value
}

// Set gives a key a value, which must not be nil.
func (t *Table[V]) Set(k Key, v *V) {
	if 2*(t.n+1) > len(t.hashes) {
		t.grow()
	}
	h := hash(k)
	at, there := t.find(k, h)
	if !there {
		t.n++
	}
	t.hashes[at], t.entries[at] = h, entry[V]{k, v}
}

// grow doubles the number of entries.
func (t *Table[V]) grow() {
	const least = 4 // bits of the first number of entries
	hashes, entries := t.hashes, t.entries
	n := max(2*len(hashes), 1<<least)
	t.hashes, t.entries, t.shift = make([]uint32, n), make([]entry[V], n), uint(33-bits.Len(uint(n)))
	for i, h := range hashes {
		if h != 0 {
			at, _ := t.find(entries[i].key, h)
			t.hashes[at], t.entries[at] = h, entries[i]
		}
	}
}

// Delete takes a key out, if it is there, and returns its value.
func (t *Table[V]) Delete(k Key) *V {
	if t.n == 0 {
		return nil
	}
	at, there := t.find(k, hash(k))
	if !there {
		return nil
	}
	value := t.entries[at].value
	t.n--
	// Those behind move up as far as their search begins: it must not end at a free place before them.
	mask := len(t.hashes) - 1
	for next := (at + 1) & mask; t.hashes[next] != 0; next = (next + 1) & mask {
		if home := int(t.hashes[next] >> t.shift); (next-home)&mask >= (next-at)&mask {
			t.hashes[at], t.entries[at] = t.hashes[next], t.entries[next]
			at = next
		}
	}
	t.hashes[at], t.entries[at] = 0, entry[V]{}
	return value
}

// All are the keys with their values, in no order. The table must not change meanwhile.
func (t *Table[V]) All() iter.Seq2[Key, *V] {
	return func(yield func(Key, *V) bool) {
		for i, e := range t.entries {
			if t.hashes[i] != 0 && !yield(e.key, e.value) {
				return
			}
		}
	}
}
