// Package pso is particle swarm optimization (Standard PSO 2011), for comparisons and to repeat published runs; packages cmaes and de need
// fewer evaluations on most losses. [New] makes the one with generations, [NewAsync] the one without, for evaluations that differ so much in
// time that the slowest would keep all others waiting.
package pso

import (
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Params configures [Search] and [Async].
type Params struct {
	PopSize int `yaml:"pop_size" doc:"particles in the swarm" range:"[2, 1e6]"`
}

// Defaults returns the defaults of [Params], those of the Standard PSO 2011.
func Defaults() Params { return Params{PopSize: 40} }

func (p *Params) resolve(problem optimizer.Problem) error { return kit.SingleObjective(problem) }

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm(), asyncAlgorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "pso",
		Title: "Particle swarm optimization (Standard PSO 2011, adaptive random topology), with restarts",
		Reference: "Clerc 2012, Standard Particle Swarm Optimisation, hal-00764996; Zambrano-Bigiarini, Clerc and Rojas 2013, " +
			"doi 10.1109/CEC.2013.6557848",
		When: "to compare with or repeat published runs; of the methods for the same problems cmaes and lshade need fewer evaluations on most",
		Cost: "O(λn)",
		Parallelism: "uses at most pop_size slots; more idle. A larger swarm is hardly faster, so that it does not follow execution.parallel; several swarms at the " +
			"same time are portfolio with members: [pso]",
	}, Defaults, New)
}

// Search moves a swarm of particles, each of which remembers its best point and is told of those of a few others. Who tells whom is drawn
// anew whenever the swarm has not found a better point. When the particles' best points have become the same, or none has found a better one for
// 100 generations, another swarm begins, so that the search never ends by itself.
type Search struct {
	problem optimizer.Problem
	frame   *kit.Frame // clipped: particles know their bounds
	par     Params
	s       state
}

type state struct {
	Gen      kit.Generation
	Src      *kit.Source
	Warm     kit.Warm
	Swarm    swarm // empty before the first Ask and after the end of a swarm
	Run      int   // swarms ended
	Restarts optimizer.Restarts
}

// New makes a particle swarm for a problem with one objective.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	return &Search{problem, kit.NewFrame(problem, kit.Clipped), par, state{Src: kit.NewSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// WarmStart implements WarmStarter.
func (o *Search) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Warm, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if s := &o.s; s.Gen.Idle() {
		rng := rand.New(s.Src)
		var xs [][]float64
		if s.Swarm.Particles == nil {
			xs = s.Warm.Population(o.problem, rng, o.par.PopSize)
			s.Warm = nil
			for _, x := range xs {
				s.Swarm.Particles = append(s.Swarm.Particles, newParticle(o.frame, rng, x))
			}
			s.Swarm.link(rng)
		} else {
			for i, l := range s.Swarm.informed() {
				xs = append(xs, s.Swarm.move(o.frame, rng, i, l))
			}
		}
		s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(max), nil
}

// redraw puts particle i elsewhere at random.
func (o *Search) redraw(i int) []float64 {
	rng := rand.New(o.s.Src)
	q := &o.s.Swarm.Particles[i]
	x, best := o.problem.Draw(rng), q.Best
	*q = newParticle(o.frame, rng, x)
	q.Best = best
	return x
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, o.redraw)
	if !complete {
		return err
	}
	s := &o.s
	before := s.Swarm.best()
	better := false
	for i, m := range s.Gen.Members {
		better = s.Swarm.enter(i, kit.NewIndividual(m.X, m.Loss, m.Failed)) || better
	}
	s.Gen.End()
	s.Swarm.Stale++
	if better {
		s.Swarm.Stale = 0
	}
	switch {
	case s.Swarm.Stale == kit.Patience || s.Swarm.collapsed(o.problem):
		s.Restarts.Add(optimizer.Restart{Told: s.Gen.Told, Reason: kit.EndOfRun(s.Swarm.Stale == kit.Patience), PopSize: o.par.PopSize})
		s.Swarm, s.Run = swarm{}, s.Run+1
	case !s.Swarm.best().Better(before):
		s.Swarm.link(rand.New(s.Src))
	}
	return nil
}

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Restarts = o.s.Restarts
	st.Figures = []optimizer.Figure{{Name: "run", Value: float64(o.s.Run + 1)}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(algorithm(), 1, o.problem, b, &o.s)
}
