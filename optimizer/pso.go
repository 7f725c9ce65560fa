package optimizer

import (
	"math/rand/v2"
)

// PSOParams configures PSO and PSOAsync.
type PSOParams struct {
	PopSize int `yaml:"pop_size" doc:"particles in the swarm" range:"[2, 1e6]"`
}

// DefaultPSO returns the defaults of PSOParams, those of the Standard PSO 2011.
func DefaultPSO() PSOParams { return PSOParams{PopSize: 40} }

func (p *PSOParams) resolve(problem Problem) error { return single(problem) }

func psoAlgorithm() Algorithm {
	return Describe(Algorithm{
		Name:  "pso",
		Title: "Particle swarm optimization (Standard PSO 2011, adaptive random topology), with restarts",
		Reference: "Clerc 2012, Standard Particle Swarm Optimisation, hal-00764996; Zambrano-Bigiarini, Clerc and Rojas 2013, " +
			"doi 10.1109/CEC.2013.6557848",
		When:        "to compare with or repeat published runs; of the methods for the same problems cmaes and lshade need fewer evaluations on most",
		Cost:        "O(λn)",
		Parallelism: "pop_size at a time",
	}, DefaultPSO, NewPSO)
}

// PSO moves a swarm of particles, each of which remembers its best point and is told of those of a few others. Who tells whom is drawn
// anew whenever the swarm has not found a better point. When the particles' best points have become the same, or none has found a better one for
// 100 generations, another swarm begins, so that the search never ends by itself.
type PSO struct {
	problem Problem
	frame   *frame // clipped: particles know their bounds
	par     PSOParams
	s       psoState
}

type psoState struct {
	Gen   generation
	Src   *source
	Warm  warm
	Swarm swarm // empty before the first Ask and after the end of a swarm
	Run   int   // swarms ended
}

// NewPSO makes a particle swarm for a problem with one objective.
func NewPSO(problem Problem, par PSOParams, seed uint64) (*PSO, error) {
	par, err := resolved(psoAlgorithm(), par, problem, (*PSOParams).resolve)
	if err != nil {
		return nil, err
	}
	return &PSO{problem, newFrame(problem, clipped), par, psoState{Src: newSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *PSO) Params() PSOParams { return o.par }

// WarmStart implements WarmStarter.
func (o *PSO) WarmStart(known []Solution) (err error) {
	o.s.Warm, err = checkedWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *PSO) Ask(max int) ([]Candidate, error) {
	if s := &o.s; s.Gen.idle() {
		rng := rand.New(s.Src)
		var xs [][]float64
		if s.Swarm.Particles == nil {
			xs = s.Warm.population(o.problem, rng, o.par.PopSize)
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
		s.Gen.begin(xs)
	}
	return o.s.Gen.ask(max), nil
}

// redraw puts particle i elsewhere at random.
func (o *PSO) redraw(i int) []float64 {
	rng := rand.New(o.s.Src)
	q := &o.s.Swarm.Particles[i]
	x, best := o.problem.Draw(rng), q.Best
	*q = newParticle(o.frame, rng, x)
	q.Best = best
	return x
}

// Tell implements Optimizer.
func (o *PSO) Tell(results []Evaluated) error {
	complete, err := o.s.Gen.tell(results, o.problem, o.redraw)
	if !complete {
		return err
	}
	s := &o.s
	before := s.Swarm.best()
	better := false
	for i, m := range s.Gen.Members {
		better = s.Swarm.enter(i, genomeOf(m.X, m.Loss, m.Failed)) || better
	}
	s.Gen.end()
	s.Swarm.Stale++
	if better {
		s.Swarm.Stale = 0
	}
	switch {
	case s.Swarm.Stale == patience || s.Swarm.collapsed(o.problem):
		s.Swarm, s.Run = swarm{}, s.Run+1
	case !s.Swarm.best().Better(before):
		s.Swarm.link(rand.New(s.Src))
	}
	return nil
}

// Status implements Optimizer.
func (o *PSO) Status() Status {
	st := o.s.Gen.status()
	st.Figures = []Figure{{"run", float64(o.s.Run + 1)}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *PSO) MarshalBinary() ([]byte, error) { return encodeState(psoAlgorithm(), 1, o.problem, o.s) }

// UnmarshalBinary implements Optimizer.
func (o *PSO) UnmarshalBinary(b []byte) error {
	return decodeState(psoAlgorithm(), 1, o.problem, b, &o.s)
}
