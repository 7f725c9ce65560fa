package kit

import (
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Ledger is what every algorithm remembers of its dealings with the outside: numbers given out, results taken, the best one.
type Ledger struct {
	NextID int64               // of the next individual to be proposed
	Told   int64               // results told
	Best   *optimizer.Solution // with one objective: the best; of equals the smallest ID, so that the order of telling does not matter
	Front  optimizer.Front     // with several objectives
}

// Take counts a result and keeps it if it is among the best.
func (l *Ledger) Take(ev optimizer.Evaluated, x []float64) {
	l.Told++
	switch {
	case ev.Failed:
		return
	case len(ev.Loss) > 1:
		l.Front.Add(optimizer.Solution{ID: ev.ID, X: x, Loss: ev.Loss})
		return
	}
	if l.Best != nil {
		if c := ev.Standing().Compare(l.Best.Standing()); c > 0 || c == 0 && ev.ID > l.Best.ID {
			return
		}
	}
	l.Best = &optimizer.Solution{ID: ev.ID, X: slices.Clone(x), Loss: slices.Clone(ev.Loss)}
}

// Checked returns ev with a loss that is not finite turned into a failure, or ErrShape.
func Checked(ev optimizer.Evaluated, problem optimizer.Problem) (optimizer.Evaluated, error) {
	if ev.Failed {
		return optimizer.Evaluated{ID: ev.ID, Failed: true, Replace: ev.Replace}, nil
	}
	if len(ev.Loss) != problem.NumObjectives() {
		return ev, fmt.Errorf("%w: individual %d: a loss of %d numbers, want %d", optimizer.ErrShape, ev.ID, len(ev.Loss), problem.NumObjectives())
	}
	if n := problem.Outputs; n > 0 && (len(ev.Outputs) != n || len(ev.Targets) != n) {
		return ev, fmt.Errorf("%w: individual %d: %d model outputs and %d targets, want %d", optimizer.ErrShape,
			ev.ID, len(ev.Outputs), len(ev.Targets), n)
	}
	if problem.Outputs == 0 {
		ev.Outputs, ev.Targets = nil, nil
	}
	for _, values := range [...][]float64{ev.Loss, ev.Outputs, ev.Targets} {
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return optimizer.Evaluated{ID: ev.ID, Failed: true, Replace: ev.Replace}, nil
			}
		}
	}
	ev.Replace = false
	return ev, nil
}

// Generation keeps the books between Ask and Tell for an algorithm that proposes a set of individuals at once and learns when all
// their results are in. It is part of the algorithm's state.
type Generation struct {
	Ledger
	Number  int           // generations completed
	Members []Member      // of the present generation, in the order of proposal; empty between generations
	Queue   []int         // indices of members not handed out yet
	Open    int           // members whose result is missing
	index   map[int64]int // ID -> index of members handed out and not told, where their IDs are not in their order; rebuilt on demand
}

// Member is one individual of a generation, and its result.
type Member struct {
	ID      int64        // meaningful once it is Asked
	X       codec.Vector // the point
	Asked   bool         // it has been handed out
	Told    bool         // its result has come in, so that what follows is meaningful
	Loss    codec.Vector // finite, one number per objective; none if Failed
	Outputs codec.Vector // as in Evaluated
	Targets codec.Vector
	Failed  bool
	Replace bool
}

// Standing is the member's, by its first objective.
func (m *Member) Standing() optimizer.Standing { return optimizer.StandingOf(m.Loss, m.Failed) }

// Idle reports whether a new generation can begin.
func (g *Generation) Idle() bool { return len(g.Members) == 0 }

// Begin starts a generation of the points xs, which it keeps.
func (g *Generation) Begin(xs [][]float64) {
	g.Members, g.Queue, g.Open = make([]Member, len(xs)), g.Queue[:0], len(xs)
	for i, x := range xs {
		g.Members[i] = Member{X: x}
		g.Queue = append(g.Queue, i)
	}
	g.index = nil
}

// Ask hands out the next members, up to max of them if max > 0. Their points are the members' own.
func (g *Generation) Ask(max int) []optimizer.Candidate {
	n := len(g.Queue)
	if max > 0 {
		n = min(n, max)
	}
	out := make([]optimizer.Candidate, n)
	for i, at := range g.Queue[:n] {
		m := &g.Members[at]
		m.ID, m.Asked = g.NextID, true
		g.NextID++
		out[i] = optimizer.Candidate{ID: m.ID, X: m.X}
		if g.index != nil {
			g.index[m.ID] = at
		}
	}
	g.Queue = g.Queue[n:]
	return out
}

// Tell takes results in and reports whether the generation is now complete. Failed members that are to be replaced get a new point
// from draw(index) once all results are in, in the order of proposal, and are handed out again; with a nil draw they are left as they are.
// After an error (ErrUnknown, ErrShape) nothing has been taken in. Results are copied.
func (g *Generation) Tell(results []optimizer.Evaluated, problem optimizer.Problem, draw func(i int) []float64) (complete bool, err error) {
	if len(results) == 0 {
		return false, nil
	}
	var seen map[int64]bool
	if len(results) > 1 {
		seen = make(map[int64]bool, len(results))
	}
	for _, ev := range results {
		if g.member(ev.ID) == nil || seen[ev.ID] {
			return false, fmt.Errorf("%w: %d", optimizer.ErrUnknown, ev.ID)
		}
		if seen != nil {
			seen[ev.ID] = true
		}
		if _, err = Checked(ev, problem); err != nil {
			return false, err
		}
	}
	for _, ev := range results {
		ev, _ = Checked(ev, problem)
		m := g.member(ev.ID)
		delete(g.index, ev.ID)
		g.Take(ev, m.X)
		m.Told, m.Loss, m.Outputs, m.Targets = true, slices.Clone(ev.Loss), slices.Clone(ev.Outputs), slices.Clone(ev.Targets)
		m.Failed, m.Replace = ev.Failed, ev.Replace
		g.Open--
	}
	if g.Open > 0 {
		return false, nil
	}
	for i, m := range g.Members {
		if m.Replace && draw != nil {
			g.Members[i] = Member{X: draw(i)}
			g.Queue = append(g.Queue, i)
			g.Open++
		}
	}
	return g.Open == 0, nil
}

// member is the member of that ID, if it has been handed out and not told; nil if there is none. Where no member has been replaced, it stands as
// many places after the first as its ID says, and the index is not needed.
func (g *Generation) member(id int64) *Member {
	if len(g.Members) == 0 {
		return nil
	}
	if at := id - g.Members[0].ID; at >= 0 && at < int64(len(g.Members)) {
		if m := &g.Members[at]; m.ID == id && m.Asked && !m.Told {
			return m
		}
	}
	if g.index == nil {
		g.index = make(map[int64]int)
		for i, m := range g.Members {
			if m.Asked && !m.Told {
				g.index[m.ID] = i
			}
		}
	}
	if i, ok := g.index[id]; ok {
		return &g.Members[i]
	}
	return nil
}

// End closes the generation. Only now, when all its results are in, is the front cut down: what is given up then does not depend on the
// order in which they came.
func (g *Generation) End() {
	g.Number++
	g.Members = nil
	g.Front.Prune(optimizer.MaxFront)
}

// Ranking returns the members' indices from the best to the worst (see Standing), equal ones in the order of proposal, and the number of
// members that did not fail, which come first.
func (g *Generation) Ranking() (order []int, ok int) {
	order = make([]int, len(g.Members))
	for i, m := range g.Members {
		order[i] = i
		if !m.Failed {
			ok++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return g.Members[a].Standing().Compare(g.Members[b].Standing()) })
	return order, ok
}

// Ranked is an individual that did not fail, and how good it is.
type Ranked struct {
	X    codec.Vector
	Loss float64
}

// Standing is the individual's.
func (r Ranked) Standing() optimizer.Standing { return optimizer.Standing{Loss: r.Loss} }

// Ranked lists the individuals that did not fail, from the best to the worst.
func (g *Generation) Ranked() []Ranked {
	order, ok := g.Ranking()
	out := make([]Ranked, ok)
	for k, i := range order[:ok] {
		out[k] = Ranked{g.Members[i].X, g.Members[i].Loss[0]}
	}
	return out
}

// Status fills in what the books know.
func (g *Generation) Status() optimizer.Status {
	return optimizer.Status{Generation: g.Number, Told: g.Told, Best: g.Best, Front: g.Front}
}
