package dispatch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// twin is a scheduler that is simple in place of quick: it looks at all ranks for everything that it does.
type twin struct {
	batch    int
	queue    []l2l.Evaluation
	ranks    []twinRank
	answered map[key]bool // of those that a rank still holds
	mean     float64
	n        int
	slow     func(rank int) int // as the scheduler has found
}

type twinRank struct {
	slots int
	held  map[key]l2l.Evaluation
	calls [][]key // what of each has no answer
}

// idle is the number of slots without a call.
func (r *twinRank) idle() int { return max(r.slots-len(r.calls), 0) }

func (r *twinRank) answer(k key) {
	delete(r.held, k)
	for i, c := range r.calls {
		r.calls[i] = slices.DeleteFunc(c, func(other key) bool { return other == k })
	}
	r.calls = slices.DeleteFunc(r.calls, func(c []key) bool { return len(c) == 0 })
}

func newTwin(slots []int, batch int) *twin {
	t := &twin{batch: batch, answered: map[key]bool{}}
	for _, n := range slots {
		t.ranks = append(t.ranks, twinRank{n, map[key]l2l.Evaluation{}, nil})
	}
	return t
}

func (t *twin) ahead() int { return (&scheduler{mean: t.mean, batch: t.batch}).ahead() }

func (t *twin) capacity() int {
	n := 0
	for _, r := range t.ranks {
		n += r.slots * t.ahead()
	}
	return max(n, 1) * t.batch
}

func (t *twin) outstanding() int {
	awaited := map[key]bool{}
	for _, r := range t.ranks {
		for k := range r.held {
			if !t.answered[k] {
				awaited[k] = true
			}
		}
	}
	return len(t.queue) + len(awaited)
}

func (t *twin) idle() bool {
	return !slices.ContainsFunc(t.ranks, func(r twinRank) bool { return len(r.held) > 0 })
}

func (t *twin) add(es []l2l.Evaluation) { t.queue = append(t.queue, es...) }

func (t *twin) next() (rank int, chunk []l2l.Evaluation) {
	if len(t.queue) == 0 {
		return 0, nil
	}
	ahead, best, working, idle := t.ahead(), -1, 0, 0
	for i, r := range t.ranks {
		if r.slots == 0 {
			continue
		}
		working++
		idle += r.idle()
		if n := len(r.calls); n >= r.slots && 2*n > r.slots*ahead || n >= r.slots*ahead {
			continue
		}
		if best >= 0 {
			mine, other := len(r.calls)*t.ranks[best].slots, len(t.ranks[best].calls)*r.slots
			if mine > other || mine == other && t.slow(i) >= t.slow(best) {
				continue
			}
		}
		best = i
	}
	if best < 0 {
		return 0, nil
	}
	r := &t.ranks[best]
	calls, size := r.idle(), t.batch
	if queued := float64(len(t.queue)); len(t.queue) < idle*t.batch {
		size = int(math.Ceil(queued / float64(idle)))
	} else {
		full := math.Ceil(queued / float64(t.batch))
		calls = min(max(calls, int(math.Ceil(full/float64(2*working)))), r.slots*ahead-len(r.calls), int(full))
	}
	n := min(calls*size, len(t.queue))
	chunk = t.queue[:n:n]
	t.queue = t.queue[n:]
	t.give(best, chunk, min(calls, n))
	return best, chunk
}

func (t *twin) give(rank int, es []l2l.Evaluation, calls int) {
	r := &t.ranks[rank]
	n := len(es)
	for i := range calls { // the first ones are one larger, where they cannot all be alike
		size := n / calls
		if i < n%calls {
			size++
		}
		var c []key
		for _, e := range es[:size] {
			r.held[keyOf(e)] = e
			c = append(c, keyOf(e))
		}
		r.calls, es = append(r.calls, c), es[size:]
	}
}

func (t *twin) done(rank int, r l2l.Result) bool {
	k := keyOfResult(&r)
	if _, ok := t.ranks[rank].held[k]; !ok {
		return false
	}
	counts := !t.answered[k]
	t.ranks[rank].answer(k)
	if counts {
		t.n = min(t.n+1, longMemory)
		t.mean = max(t.mean+(r.Seconds-t.mean)/float64(t.n), 1e-9)
	}
	t.answered[k] = true
	t.forget(k)
	return counts
}

func (t *twin) forget(k key) {
	for _, r := range t.ranks {
		if _, ok := r.held[k]; ok {
			return
		}
	}
	delete(t.answered, k)
}

func (t *twin) lost(rank int) int {
	var es []l2l.Evaluation
	held := t.ranks[rank].held
	t.ranks[rank] = twinRank{}
	for k, e := range held {
		if !t.answered[k] && !slices.ContainsFunc(t.ranks, func(r twinRank) bool { _, ok := r.held[k]; return ok }) {
			e.Copy++
			es = append(es, e)
		}
		t.forget(k)
	}
	slices.SortFunc(es, func(a, b l2l.Evaluation) int { return int(a.Individual - b.Individual) })
	t.queue = slices.Concat(es, t.queue)
	return len(es)
}

func (t *twin) found(rank, slots int) {
	t.ranks[rank] = twinRank{slots, map[key]l2l.Evaluation{}, nil}
}

func TestSchedulerDecidesAsItsSimpleTwin(t *testing.T) {
	for seed := range uint64(60) {
		if !decidesAlike(t, rand.New(rand.NewPCG(seed, 1))) {
			t.Fatalf("seed %d", seed)
		}
	}
}

// decidesAlike has a scheduler and its twin live through the same random events.
func decidesAlike(t *testing.T, rng *rand.Rand) bool {
	slots := make([]int, 1+rng.IntN(12))
	for i := range slots {
		slots[i] = rng.IntN(4) * (1 + rng.IntN(3))
	}
	batch := max(1, rng.IntN(12)-5)
	s, w := newScheduler(slots, batch), newTwin(slots, batch)
	s.inOrder = true
	w.slow = func(rank int) int { return s.ranks.load[rank].slow }
	scale := []float64{1e-6, 1e-4, 1e-3, 20e-3, 0.1}[rng.IntN(5)]
	individuals := int64(0)
	var chunk, other []l2l.Evaluation
	for range 400 {
		what, rank, given := "", rng.IntN(len(slots)), 0
		var a, b any
		switch dice := rng.IntN(100); {
		case dice < 15:
			es := make([]l2l.Evaluation, rng.IntN(40))
			for i := range es {
				es[i] = l2l.Evaluation{Individual: individuals, Instance: rng.IntN(2), Attempt: rng.IntN(2)}
				individuals++
			}
			what = fmt.Sprintf("add %d", len(es))
			s.add(es)
			w.add(es)
		case dice < 50:
			what = "next"
			given, chunk = s.next()
			a, b = fmt.Sprint(given, chunk), ""
			given, other = w.next()
			b = fmt.Sprint(given, other)
		case dice < 90: // mostly of what the rank holds, some of it twice in a message
			rs := make([]l2l.Result, 1+rng.IntN(3))
			for i := range rs {
				r := &rs[i]
				*r = l2l.Result{Individual: rng.Int64N(individuals + 1), Seconds: scale * rng.Float64()}
				if held := s.heldBy(rank); len(held) > 0 && dice < 85 {
					e := held[rng.IntN(len(held))]
					r.Individual, r.Instance, r.Attempt = e.Individual, e.Instance, e.Attempt
				}
			}
			what = fmt.Sprintf("rank %d is done with %+v", rank, rs)
			var counting []l2l.Result
			for _, r := range rs {
				if w.done(rank, r) {
					counting = append(counting, r)
				}
			}
			a, b = fmt.Sprint(s.results(rank, rs)), fmt.Sprint(counting)
		case dice < 98: // another rank is to have a copy
			held := s.heldBy(rank)
			to := rng.IntN(len(slots))
			if len(held) == 0 || s.ranks.load[to].slots == 0 {
				continue
			}
			e := held[rng.IntN(len(held))]
			if s.held.Get(keyOf(e)).answered || s.held.Get(keyOf(e)).ownedBy(to) {
				continue
			}
			what = fmt.Sprintf("rank %d has %d too", to, e.Individual)
			s.give(to, []l2l.Evaluation{e}, 1)
			w.give(to, []l2l.Evaluation{e}, 1)
		case dice < 99 || s.ranks.load[rank].slots > 0 || slots[rank] == 0:
			what = fmt.Sprintf("rank %d is lost", rank)
			a, b = s.lost(rank), w.lost(rank)
		default:
			what = fmt.Sprintf("rank %d is found", rank)
			s.found(rank, slots[rank])
			w.found(rank, slots[rank])
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %v, want %v", what, a, b)
			return false
		}
		is := []any{s.queued(), s.outstanding(), s.capacity(), s.idle(), s.mean}
		want := []any{len(w.queue), w.outstanding(), w.capacity(), w.idle(), w.mean}
		if !slices.Equal(is, want) {
			t.Errorf("after: %s: queued, outstanding, capacity, idle, mean are %v, want %v", what, is, want)
			return false
		}
	}
	return true
}

// heldBy is what a rank has been given and has not answered, in order.
func (s *scheduler) heldBy(rank int) []l2l.Evaluation {
	var es []l2l.Evaluation
	for _, h := range s.held.All() {
		if h.ownedBy(rank) {
			es = append(es, h.evaluation)
		}
	}
	slices.SortFunc(es, func(a, b l2l.Evaluation) int { return int(a.Individual - b.Individual) })
	return es
}

// BenchmarkScheduler measures a refill: what is decided for one result of a long evaluation, among ranks of 8 slots that are all busy.
func BenchmarkScheduler(b *testing.B) {
	for _, ranks := range []int{128, 1024, 16384, 131072} {
		b.Run(fmt.Sprint("ranks=", ranks), func(b *testing.B) { refill(b, ranks) })
	}
}

func refill(b *testing.B, ranks int) {
	const slots = 8
	s := newScheduler(append([]int{0}, slices.Repeat([]int{slots}, ranks)...), 1)
	es := make([]l2l.Evaluation, ranks*slots)
	for i := range es {
		es[i].Individual = int64(i)
	}
	s.add(es)
	held := make([]int64, 0, ranks*slots) // the individuals of rank 1, of rank 2, …
	for range ranks {
		_, chunk := s.next()
		for _, e := range chunk {
			held = append(held, e.Individual)
		}
	}
	if len(held) != cap(held) {
		b.Fatalf("%d evaluations are held, want %d", len(held), cap(held))
	}
	individual, i, one := int64(len(held)), 0, make([]l2l.Evaluation, 1)
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 514229) % len(held) // some rank
		if !s.answers(1+i/slots, l2l.Result{Individual: held[i], Seconds: 1}) {
			b.Fatal("a result that is not awaited")
		}
		if s.capacity() != len(held) || s.outstanding() != len(held)-1 {
			b.Fatalf("capacity %d, outstanding %d", s.capacity(), s.outstanding())
		}
		one[0].Individual = individual
		s.add(one)
		rank, chunk := s.next()
		if rank != 1+i/slots || len(chunk) != 1 {
			b.Fatalf("rank %d is given %d evaluations, want rank %d, 1", rank, len(chunk), 1+i/slots)
		}
		held[i] = individual
		individual++
		if _, chunk := s.next(); len(chunk) > 0 {
			b.Fatal("a rank that is busy is given more")
		}
	}
}
