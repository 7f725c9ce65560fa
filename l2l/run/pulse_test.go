package run

import (
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// An evaluation that takes very long does not have all be remembered that end meanwhile.
func TestPulseForgetsWhatHasEndedBehindOneThatTakesLong(t *testing.T) {
	q := &queue{room: 4}
	p := newPulse(q)
	begin := time.Now()
	submit := func(id int64) {
		t.Helper()
		if err := p.Submit([]l2l.Evaluation{{Individual: id}}); err != nil {
			t.Fatal(err)
		}
	}
	for id := range int64(4) {
		submit(id)
	}
	for id := int64(4); id < 20_000; id++ {
		q.results = []l2l.Result{{Individual: id - 3}}
		if _, err := p.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		submit(id)
		if n, _ := p.underWay(begin); n != 4 {
			t.Fatalf("%d: %d are under way, want 4", id, n)
		}
	}
	if n, longest := p.underWay(begin.Add(time.Hour)); n != 4 || longest < 59*time.Minute {
		t.Errorf("%d under way, the longest %v", n, longest)
	}
	if old := p.oldest(2); len(old) != 2 || old[0].Individual != 0 || old[1].Individual != 19_997 {
		t.Errorf("the oldest are %+v", old)
	}
	if len(p.queue) > 2000 {
		t.Errorf("%d are remembered", len(p.queue))
	}
}

func BenchmarkPulse(b *testing.B) {
	q := &queue{room: 16}
	p := newPulse(q)
	const batch = 100
	es, rs := make([]l2l.Evaluation, batch), make([]l2l.Result, batch)
	for n := 0; n < b.N; n += batch {
		for i := range es {
			es[i].Individual, rs[i].Individual = int64(n+i), int64(n+i)
		}
		_ = p.Submit(es)
		for i := 0; i < batch; i += 5 {
			q.results = rs[i : i+5]
			_, _ = p.Next(b.Context())
		}
	}
}
