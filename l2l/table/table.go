// Package table keeps what is known of evaluations under way, by what each is of. Each is looked up several times while it is under way, which a
// map of Go does for half of what the rest of an evaluation costs rank 0. What is kept is no business of the package.
package table

import "iter"

// Key identifies an evaluation among those under way.
type Key struct {
	Individual                   int64
	Instance, Replicate, Attempt int
}

// Table is a map from keys to pointers, none of which is nil. It grows with what it holds at most, and allocates nothing else. The zero Table is
// empty. It is used from one goroutine.
type Table[V any] struct {
	entries []entry[V] // a hash table with linear probing; a power of two of them, or none
	shift   uint       // 64 minus the bits of their number
	n       int        // that are in use: at most half of them
}

type entry[V any] struct {
	key   Key
	value *V // nil: free
}

// home is where the search for a key begins. The multiplier is 2^64 divided by the golden ratio, which spreads numbers that follow each other.
func (t *Table[V]) home(k Key) int {
	h := uint64(k.Individual) + 0x9e3779b1*uint64(k.Instance) + 0x85ebca77*uint64(k.Replicate) + 0xc2b2ae3d*uint64(k.Attempt)
	return int(h * 0x9e3779b97f4a7c15 >> t.shift)
}

// find is where the key is, or else the free place where it would be.
func (t *Table[V]) find(k Key) int {
	mask := len(t.entries) - 1
	for at := t.home(k); ; at = (at + 1) & mask {
		if e := &t.entries[at]; e.value == nil || e.key == k {
			return at
		}
	}
}

// Len is the number of keys.
func (t *Table[V]) Len() int { return t.n }

// Get is the value of a key; nil if there is none.
func (t *Table[V]) Get(k Key) *V {
	if t.n == 0 {
		return nil
	}
	return t.entries[t.find(k)].value
}

// Set gives a key a value, which must not be nil.
func (t *Table[V]) Set(k Key, v *V) {
	if 2*(t.n+1) > len(t.entries) {
		t.grow()
	}
	e := &t.entries[t.find(k)]
	if e.value == nil {
		t.n++
	}
	*e = entry[V]{k, v}
}

// grow doubles the number of entries.
func (t *Table[V]) grow() {
	const least = 4 // bits of the first number of entries
	before := t.entries
	if before == nil {
		t.entries, t.shift = make([]entry[V], 1<<least), 64-least
		return
	}
	t.entries, t.shift = make([]entry[V], 2*len(before)), t.shift-1
	for _, e := range before {
		if e.value != nil {
			t.entries[t.find(e.key)] = e
		}
	}
}

// Delete takes a key out, if it is there, and returns its value.
func (t *Table[V]) Delete(k Key) *V {
	if t.n == 0 {
		return nil
	}
	at := t.find(k)
	value := t.entries[at].value
	if value == nil {
		return nil
	}
	t.n--
	// Those behind move up as far as their search begins: it must not end at a free place before them.
	mask := len(t.entries) - 1
	for next := (at + 1) & mask; t.entries[next].value != nil; next = (next + 1) & mask {
		if home := t.home(t.entries[next].key); (next-home)&mask >= (next-at)&mask {
			t.entries[at] = t.entries[next]
			at = next
		}
	}
	t.entries[at] = entry[V]{}
	return value
}

// All are the keys with their values, in no order. The table must not change meanwhile.
func (t *Table[V]) All() iter.Seq2[Key, *V] {
	return func(yield func(Key, *V) bool) {
		for _, e := range t.entries {
			if e.value != nil && !yield(e.key, e.value) {
				return
			}
		}
	}
}
