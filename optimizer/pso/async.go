package pso

import (
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

func asyncAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:      "pso_async",
		Title:     "Particle swarm optimization without generations",
		Reference: "Koh, George, Haftka and Fregly 2006, Parallel Asynchronous Particle Swarm Optimization, doi 10.1002/nme.1646; moves as pso",
		When: "as pso, where evaluations differ so much in time that the slowest would keep all others waiting; a run depends on who " +
			"finished first, so that it can be resumed and replayed, but not repeated",
		Cost:        "O(n + λ) for each individual; memory O(λn)",
		Parallelism: "any number at a time: the swarm grows to as many particles as are under way, whatever execution.parallel is",
	}, Defaults, NewAsync)
}

// Async is [Search] without generations: a particle moves again as soon as it is asked for one that is not under way, with what is known by then.
// Where all are under way, another one joins the swarm.
type Async struct {
	problem optimizer.Problem
	frame   *kit.Frame // clipped: particles know their bounds
	par     Params
	s       asyncState
}

type asyncState struct {
	Stream   kit.Stream[asyncMove]
	Src      *kit.Source
	Start    []codec.Vector // points still to be proposed first: those of a warm start that have no loss
	Swarm    swarm
	Idle     []int // particles that are not under way, in the order in which they will be
	Moves    int   // results since the swarm found its best point, or was linked
	Run      int   // swarms ended
	Restarts optimizer.Restarts
}

// asyncMove is whose move an individual is.
type asyncMove struct{ Run, Particle int }

// NewAsync makes an asynchronous particle swarm for a problem with one objective.
func NewAsync(problem optimizer.Problem, par Params, seed uint64) (*Async, error) {
	par, err := kit.Resolved(asyncAlgorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	return &Async{problem: problem, frame: kit.NewFrame(problem, kit.Clipped), par: par, s: asyncState{Src: kit.NewSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Async) Params() Params { return o.par }

// Asynchronous implements Asynchronous.
func (o *Async) Asynchronous() {}

// WarmStart implements WarmStarter. Known losses are believed: particles start at the best of those solutions.
func (o *Async) WarmStart(known []optimizer.Solution) error {
	w, err := kit.NewWarm(known, o.problem)
	rng := rand.New(o.s.Src)
	for _, k := range w {
		switch {
		case len(k.Loss) == 0:
			o.s.Start = append(o.s.Start, k.X)
		case len(o.s.Idle) < o.par.PopSize:
			i := o.join(rng, k.X)
			o.s.Swarm.enter(i, kit.NewIndividual(k.X, k.Loss, false))
			o.s.Idle = append(o.s.Idle, i)
		}
	}
	return err
}

// join adds a particle at x to the swarm.
func (o *Async) join(rng *rand.Rand, x []float64) int {
	s := &o.s.Swarm
	s.Particles = append(s.Particles, newParticle(o.frame, rng, x))
	for range informs {
		s.Links = append(s.Links, rng.IntN(len(s.Particles)))
	}
	return len(s.Particles) - 1
}

// Ask implements Optimizer.
func (o *Async) Ask(most int) ([]optimizer.Candidate, error) {
	s, rng := &o.s, rand.New(o.s.Src)
	out := make([]optimizer.Candidate, max(most, 1))
	for at := range out {
		var x codec.Vector
		var i int
		switch {
		case len(s.Start) > 0:
			x, s.Start = s.Start[0], s.Start[1:]
			i = o.join(rng, x)
		case len(s.Swarm.Particles) < o.par.PopSize || len(s.Idle) == 0:
			x = o.problem.Draw(rng)
			i = o.join(rng, x)
		default:
			i, s.Idle = s.Idle[0], s.Idle[1:]
			x = s.Swarm.move(o.frame, rng, i, s.Swarm.informed()[i])
		}
		out[at] = s.Stream.Propose(x, asyncMove{s.Run, i})
	}
	return out, nil
}

// Tell implements Optimizer.
func (o *Async) Tell(results []optimizer.Evaluated) error {
	answers, err := o.s.Stream.Tell(results, o.problem)
	if err != nil {
		return err
	}
	s, rng := &o.s, rand.New(o.s.Src)
	for _, a := range answers {
		if a.Memo.Run != s.Run { // of a swarm that is no more
			continue
		}
		g := kit.NewIndividual(a.X, a.Loss, a.Failed)
		before := s.Swarm.best()
		s.Idle = append(s.Idle, a.Memo.Particle)
		s.Swarm.Stale++
		s.Moves++
		if s.Swarm.enter(a.Memo.Particle, g) {
			s.Swarm.Stale = 0
		}
		if s.Swarm.best().Better(before) {
			s.Moves = 0
		}
		n := len(s.Swarm.Particles)
		switch {
		case s.Moves < n:
		case s.Swarm.Stale >= kit.Patience*n || s.Swarm.collapsed(o.problem):
			s.Restarts.Add(optimizer.Restart{Told: s.Stream.Told, Reason: kit.EndOfRun(s.Swarm.Stale >= kit.Patience*n), PopSize: o.par.PopSize})
			s.Swarm, s.Idle, s.Moves, s.Run = swarm{}, nil, 0, s.Run+1
		default:
			s.Moves = 0
			s.Swarm.link(rng)
		}
	}
	return nil
}

// Status implements Optimizer.
func (o *Async) Status() optimizer.Status {
	st := o.s.Stream.Status(o.par.PopSize)
	st.Restarts = o.s.Restarts
	st.Figures = []optimizer.Figure{{Name: "particles", Value: float64(len(o.s.Swarm.Particles))}, {Name: "run", Value: float64(o.s.Run + 1)}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Async) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(asyncAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Async) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(asyncAlgorithm(), 1, o.problem, b, &o.s)
}
