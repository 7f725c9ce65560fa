package schema

import "iter"

// Map is a section whose keys are names of the user's choice, and whose order counts. It holds the entries in the order in which they
// were written; no key is there twice.
type Map[T any] []Entry[T]

// Entry is a name with its value, in a Map.
type Entry[T any] struct {
	Key   string
	Value T
}

// Mapping is every Map.
type Mapping interface {
	// All returns the keys, each with a pointer to its value.
	All() iter.Seq2[string, any]
	// New returns a pointer to what the value of an entry is by default.
	New() any
}

// Appender is a pointer to any Map.
type Appender interface {
	Mapping
	// Append adds an entry, with the default value, and returns a pointer to that. The pointer is valid until the next call.
	Append(key string) any
}

var _ Appender = (*Map[int])(nil)

// All implements Mapping.
func (m Map[T]) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range m {
			if !yield(m[i].Key, &m[i].Value) {
				return
			}
		}
	}
}

// New implements Mapping.
func (m Map[T]) New() any { return new(T) }

// Append implements Appender.
func (m *Map[T]) Append(key string) any {
	*m = append(*m, Entry[T]{Key: key})
	return &(*m)[len(*m)-1].Value
}
