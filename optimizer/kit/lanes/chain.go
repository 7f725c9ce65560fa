package lanes

import (
	"fmt"
	"math"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Chain makes a lane of any algorithm that learns by generations: a search of it, and when that has ended another one, elsewhere, and so on. It
// takes a generation as a whole, so that its search proposes the same however the lane is asked.
type Chain struct {
	algorithm optimizer.Algorithm
	params    any // settled
	problem   optimizer.Problem
	search    optimizer.Optimizer
	s         chainState
}

type chainState struct {
	Gen      kit.Generation
	Src      *kit.Source // of the searches' seeds
	IDs      []int64     // the search's numbers of the generation's individuals
	Size     int         // of the last generation; of the first one, what is expected
	Lowest   float64     // loss of the last generation
	Known    bool        // there is one
	Restarts optimizer.Restarts
	State    []byte // of the search; set in a marshalled state only
}

// NewChain makes a chain of the algorithm, with parameters as its Params returns them, whose first generation has about so many individuals. The
// parameters are the chain's own from then on.
func NewChain(a optimizer.Algorithm, params any, problem optimizer.Problem, size int, seed uint64) (*Chain, error) {
	problem.Parallel = 0 // a lane is one search
	o := &Chain{algorithm: a, params: params, problem: problem, s: chainState{Src: kit.NewSource(seed), Size: size}}
	var err error
	o.search, err = o.another()
	return o, err
}

// another makes a search with a seed of its own.
func (o *Chain) another() (optimizer.Optimizer, error) {
	return o.algorithm.New(o.problem, o.params, o.s.Src.Uint64())
}

// WarmStart implements optimizer.WarmStarter, where the algorithm does.
func (o *Chain) WarmStart(known []optimizer.Solution) error {
	w, ok := o.search.(optimizer.WarmStarter)
	if !ok {
		return fmt.Errorf("%w: %s cannot begin with what is known", optimizer.ErrUnsuited, o.algorithm.Name)
	}
	return w.WarmStart(known)
}

// Size implements Member.
func (o *Chain) Size() int { return max(o.s.Size, 1) }

// Level implements Member: it is the smallest loss of the last generation.
func (o *Chain) Level() float64 {
	if !o.s.Known {
		return math.Inf(1)
	}
	return o.s.Lowest
}

// Ask implements optimizer.Optimizer.
func (o *Chain) Ask(most int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() {
		if err := o.begin(); err != nil {
			return nil, fmt.Errorf("optimizer: %s: %w", o.algorithm.Name, err)
		}
	}
	return o.s.Gen.Ask(most), nil
}

// begin takes all that the search proposes. One that has ended is followed by another.
func (o *Chain) begin() error {
	s := &o.s
	proposed, err := o.search.Ask(0)
	if err == nil && len(proposed) == 0 {
		ended := o.search.Status().Stop
		if o.search, err = o.another(); err == nil {
			proposed, err = o.search.Ask(0)
			s.Restarts.Add(optimizer.Restart{Told: s.Gen.Told, Reason: ended, PopSize: len(proposed)})
			s.Known = false
		}
	}
	if err != nil {
		return err
	}
	xs := make([][]float64, len(proposed))
	s.IDs = make([]int64, len(proposed))
	for i, c := range proposed {
		xs[i], s.IDs[i] = c.X, c.ID
	}
	s.Size = len(xs)
	s.Gen.Begin(xs)
	return nil
}

// Tell implements optimizer.Optimizer. Individuals that are to be replaced are so in the search's next generation, which has no others.
func (o *Chain) Tell(results []optimizer.Evaluated) error {
	s := &o.s
	complete, err := s.Gen.Tell(results, o.problem, nil)
	if !complete {
		return err
	}
	told := make([]optimizer.Evaluated, len(s.Gen.Members))
	lowest, known := math.Inf(1), false
	for i, m := range s.Gen.Members {
		told[i] = optimizer.Evaluated{ID: s.IDs[i], Loss: m.Loss, Outputs: m.Outputs, Targets: m.Targets, Failed: m.Failed, Replace: m.Replace}
		if !m.Failed {
			lowest, known = min(lowest, m.Loss[0]), true
		}
	}
	before := o.search.Status().Restarts.Count
	if err := o.search.Tell(told); err != nil {
		return fmt.Errorf("optimizer: %s: %w", o.algorithm.Name, err)
	}
	for _, r := range o.search.Status().Restarts.Since(before) {
		r.Told = s.Gen.Told
		s.Restarts.Add(r)
		known = false
	}
	s.Known = known
	if known {
		s.Lowest = lowest
	}
	s.Gen.End()
	s.IDs = nil
	return nil
}

// Recommend implements optimizer.Recommender: it is what the search recommends.
func (o *Chain) Recommend() [][]float64 {
	if r, ok := o.search.(optimizer.Recommender); ok {
		return r.Recommend()
	}
	return nil
}

// Status implements optimizer.Optimizer. The figures are those of the search.
func (o *Chain) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Restarts, st.Figures = o.s.Restarts, o.search.Status().Figures
	return st
}

// layoutOfChains is that of the state: none of an algorithm's own.
const layoutOfChains = 2001

// MarshalBinary implements optimizer.Optimizer.
func (o *Chain) MarshalBinary() ([]byte, error) {
	s := o.s
	var err error
	if s.State, err = o.search.MarshalBinary(); err != nil {
		return nil, err
	}
	return kit.EncodeState(o.algorithm, layoutOfChains, o.problem, s)
}

// UnmarshalBinary implements optimizer.Optimizer.
func (o *Chain) UnmarshalBinary(b []byte) error {
	var s chainState
	if err := kit.DecodeState(o.algorithm, layoutOfChains, o.problem, b, &s); err != nil {
		return err
	}
	if len(s.IDs) != len(s.Gen.Members) {
		return fmt.Errorf("%w: a generation of %d individuals has %d numbers", optimizer.ErrState, len(s.Gen.Members), len(s.IDs))
	}
	again, err := o.algorithm.New(o.problem, o.params, 0)
	if err != nil {
		return err
	}
	if err := again.UnmarshalBinary(s.State); err != nil {
		return err
	}
	s.State = nil
	o.search, o.s = again, s
	return nil
}
