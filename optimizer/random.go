package optimizer

import "math/rand/v2"

// RandomParams configures Random.
type RandomParams struct {
	PopSize int `yaml:"pop_size" doc:"individuals per generation" range:"[1, 1e6]"`
}

// DefaultRandom returns the defaults of RandomParams.
func DefaultRandom() RandomParams { return RandomParams{PopSize: 32} }

func (p *RandomParams) resolve(Problem) error { return nil }

var randomAlgorithm = Algorithm{
	Name:        "random",
	Title:       "Random search",
	Reference:   "Bergstra and Bengio 2012, Random Search for Hyper-Parameter Optimization, JMLR 13",
	When:        "as the baseline that any other method has to beat, and to look at a model before searching it",
	Cost:        "O(λn)",
	Parallelism: "pop_size at a time",
	Params:      func() any { p := DefaultRandom(); return &p },
	New:         build(NewRandom, func(o *Random) RandomParams { return o.par }),
}

// Random draws every individual independently from the problem's initial distribution.
type Random struct {
	problem Problem
	par     RandomParams
	s       randomState
}

type randomState struct {
	Gen generation
	Src *source
}

// NewRandom makes a random search. It suits every problem.
func NewRandom(problem Problem, par RandomParams, seed uint64) (*Random, error) {
	par, err := resolved("random", par, problem)
	if err != nil {
		return nil, err
	}
	return &Random{problem, par, randomState{Src: newSource(seed)}}, nil
}

func (o *Random) draw(int) []float64 { return o.problem.Draw(rand.New(o.s.Src)) }

// Ask implements Optimizer.
func (o *Random) Ask(max int) ([]Candidate, error) {
	if o.s.Gen.idle() {
		xs := make([][]float64, o.par.PopSize)
		for i := range xs {
			xs[i] = o.draw(i)
		}
		o.s.Gen.begin(xs)
	}
	return o.s.Gen.ask(max), nil
}

// Tell implements Optimizer.
func (o *Random) Tell(results []Evaluated) error {
	complete, err := o.s.Gen.tell(results, o.problem, o.draw)
	if complete {
		o.s.Gen.end()
	}
	return err
}

// Status implements Optimizer.
func (o *Random) Status() Status { return o.s.Gen.status() }

// MarshalBinary implements Optimizer.
func (o *Random) MarshalBinary() ([]byte, error) { return encodeState("random", 1, o.problem, o.s) }

// UnmarshalBinary implements Optimizer.
func (o *Random) UnmarshalBinary(b []byte) error {
	s, err := decodeState[randomState]("random", 1, o.problem, b)
	if err == nil {
		o.s = s
	}
	return err
}
