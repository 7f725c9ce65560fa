package table_test

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/table"
)

// The twin is a map of Go.
func TestTableIsLikeAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var tab table.Table[int]
	twin := map[table.Key]*int{}
	for step := range 200_000 {
		most := 1 + step/1000 // few keys at first, which are often there
		k := table.Key{Individual: rng.Int64N(int64(most)) - 5, Instance: rng.IntN(3), Replicate: rng.IntN(2), Attempt: rng.IntN(2)}
		switch rng.IntN(3) {
		case 0:
			tab.Set(k, &step)
			twin[k] = &step
		case 1:
			if got := tab.Delete(k); got != twin[k] {
				t.Fatalf("step %d: Delete(%v) = %v, want %v", step, k, got, twin[k])
			}
			delete(twin, k)
		default:
			if got := tab.Get(k); got != twin[k] {
				t.Fatalf("step %d: Get(%v) = %v, want %v", step, k, got, twin[k])
			}
		}
		if tab.Len() != len(twin) {
			t.Fatalf("step %d: %d keys, want %d", step, tab.Len(), len(twin))
		}
	}
	if got := maps.Collect(tab.All()); !maps.Equal(got, twin) {
		t.Errorf("%v, want %v", got, twin)
	}
}

// Evaluations come and go in about the order of their numbers, 4096 of them at a time.
func BenchmarkTable(b *testing.B) {
	const window = 4096
	value := 1
	b.Run("table", func(b *testing.B) {
		var tab table.Table[int]
		for i := range b.N {
			tab.Set(table.Key{Individual: int64(i)}, &value)
			tab.Get(table.Key{Individual: int64(i - window/2)})
			tab.Delete(table.Key{Individual: int64(i - window)})
		}
	})
	b.Run("map", func(b *testing.B) {
		m := map[table.Key]*int{}
		for i := range b.N {
			m[table.Key{Individual: int64(i)}] = &value
			_ = m[table.Key{Individual: int64(i - window/2)}]
			delete(m, table.Key{Individual: int64(i - window)})
		}
	})
}
