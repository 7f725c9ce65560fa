// Package optimizer is the contract of the outer loop's algorithms, [Optimizer]: Ask proposes individuals, Tell reports their losses. An
// algorithm is a state machine without clocks, files, goroutines or global randomness: the same calls give the same answers, and its whole
// state can be marshalled at any moment.
//
// Algorithms minimise, and work on plain vectors in a box ([Problem]); directions of objectives, names, units and scales of parameters are the
// concern of others, and so is the evaluation. The package can be used alone, with the algorithms of the packages below it:
//
//	o, err := cmaes.New(optimizer.Box(10, -5, 5), cmaes.Defaults(), 1)
//	for o.Status().Stop == "" {
//		candidates, err := o.Ask(0)
//		…
//		err = o.Tell(results)
//	}
//
// Package catalogue lists them all. An algorithm of one's own is made of package kit, passes package optimizertest, and is described to others
// by [Describe]. Each algorithm's file reads in the same order: parameters, constants, state, Ask and Tell, codec.
package optimizer

import (
	"encoding"
	"errors"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Optimizer is a search. It is used from one goroutine at a time.
type Optimizer interface {
	// Ask proposes up to max individuals; max <= 0 means as many as it wants now. No candidates and no error mean that results must be
	// told first or, where Status().Stop is set, that the search has ended. Same history, same answer. How the calls group the
	// individuals does not matter: Ask(3) and Ask(5) propose what Ask(8) would.
	Ask(max int) ([]Candidate, error)
	// Tell reports results of asked individuals, any number in any order, each once. A generational algorithm keeps them until its
	// generation is complete and then learns from them in the order of their IDs, so its search does not depend on who finished
	// first. After an error (ErrUnknown, ErrShape) nothing of the call has been taken in. The slice is the
	// caller's, who may use it again; what its elements point to may be kept.
	Tell(results []Evaluated) error
	// Status describes the search so far.
	Status() Status

	// MarshalBinary returns the whole state, outstanding individuals and random stream included. UnmarshalBinary, on an optimizer
	// made for the same problem with the same parameters, continues from it bit for bit. It returns ErrState, and changes nothing,
	// if the bytes are not such a state. MarshalBinary of a search whose state lies in another program returns ErrNoState: such a search is
	// a [Recaller].
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Asynchronous is the capability of an algorithm without generations: it can propose at any time and learns from each result
// as it is told, in the order in which it is told; or of one that goes on before the last results of a generation are in, and proposes nothing while too
// many of it are missing. Its search depends on that order; to replay it, replay the order.
// Ask(max <= 0) proposes one individual.
type Asynchronous interface {
	Optimizer
	Asynchronous()
}

// WarmStarter is the capability of an algorithm that can begin with what is known already: the results of an earlier run, also of another
// optimizer, or points that a user believes in.
type WarmStarter interface {
	Optimizer
	// WarmStart tells of known solutions of this problem, in any order, before the first Ask. A solution without a Loss is a point that has not
	// been evaluated; it is proposed first. IDs are ignored. Known losses do not count as told, nor as the best.
	WarmStart(known []Solution) error
}

// Recaller is the capability of a search that cannot be repeated from its seed, as one in another program: it is resumed by telling it
// what it proposed and what came of that.
type Recaller interface {
	Optimizer
	// Recall takes the place of an Ask when the record of a search is replayed: the candidates, with the IDs of the record, are what the
	// search proposed then. Tell follows as recorded. The points are read-only, as those of an Ask.
	Recall(proposed []Candidate) error
}

// Recommender is the capability of an algorithm that would use other points than the best one told, which among noisy losses is the luckiest
// and not the best: the mean of its distribution, say, or the minimum of its model.
type Recommender interface {
	Optimizer
	// Recommend returns the points, the one that it would use first, each in the problem's box and whole where its kind says so; none where
	// nothing has been learnt yet. They depend on the state alone, which does not change, and may take as long as a proposal does. The caller
	// owns them.
	Recommend() [][]float64
}

// Recommended are the points that an optimizer would use as things stand, the first one first: what it recommends (see [Recommender]), or else the
// best told. There are none before the first success, and with several objectives. The caller owns them.
func Recommended(o Optimizer) [][]float64 {
	best := o.Status().Best
	if best == nil {
		return nil
	}
	if r, ok := o.(Recommender); ok {
		if xs := r.Recommend(); len(xs) > 0 {
			return xs
		}
	}
	return [][]float64{slices.Clone(best.X)}
}

// Candidate is a proposed individual.
type Candidate struct {
	ID int64     // its number: 0, 1, 2, … in the order of asking
	X  []float64 // the point, in the problem's box, whole numbers where its kind says so; read-only, and valid until its result is told

	// Lane is the chain of searches that proposed it, from 1 on, where several run side by side, each of them deterministic by itself (package
	// kit/lanes); 0 where the search is one. Generation is the number of generations that the lane had completed by then.
	Lane, Generation int
}

// Evaluated is an individual's result.
type Evaluated struct {
	ID      int64
	Loss    []float64 // one number per objective, smaller is better; ignored if Failed
	Outputs []float64 // the model's outputs, for algorithms that learn from them; nil otherwise
	Targets []float64 // what the outputs should have been, len(Outputs)
	Failed  bool      // there is no loss. A loss that is NaN or infinite also counts as failed
	Replace bool      // with Failed: propose another individual in its place, instead of ranking it behind all others
}

// Status is the search as it stands.
//
// The front is in the order of IDs and valid until the next Tell. It holds every solution told that no other dominates (of equal losses the
// first), as long as these are not more than some hundreds; after that, ones that are well spread.
type Status struct {
	Generation int        // generations completed; for asynchronous algorithms, results told divided by the population size
	Told       int64      // results told
	Best       *Solution  // the best so far by its Standing (the first of equals); nil before the first success and with several objectives
	Front      []Solution // with several objectives: the best known solutions, of which none dominates another
	Posterior  []Weighted // of an algorithm that samples one: its sample, from the smallest loss to the largest; nil before there is one
	Warning    string     // why what has been found is not to be trusted yet; "" where nothing speaks against it
	Stop       string     // why the search has ended by itself; "" while it goes on
	Figures    []Figure   // what is worth watching, e.g. the step size
	Restarts   Restarts   // of an algorithm that begins again when it has converged
}

// Solution is an evaluated individual.
type Solution struct {
	ID   int64
	X    codec.Vector
	Loss codec.Vector
}

// Weighted is an individual of a posterior sample. Its point may be one that the algorithm has moved after its evaluation, to make up for a
// loss that is not 0.
type Weighted struct {
	Solution
	Weight float64 // all weights of a sample add up to 1
}

// Figure is a named number of an algorithm's state.
type Figure struct {
	Name  string
	Value float64
}

var (
	// ErrUnknown is returned by Tell for an individual that was never asked, or was told before.
	ErrUnknown = errors.New("optimizer: individual is not outstanding")
	// ErrShape is returned by Tell for a loss or outputs of the wrong length.
	ErrShape = errors.New("optimizer: wrong number of values")
	// ErrState is returned by UnmarshalBinary for bytes that are not a state of this algorithm, in this version of its search, on this problem.
	ErrState = errors.New("optimizer: not a state of this search")
	// ErrNoState is returned by MarshalBinary of a search whose state lies in another program. Such a search is resumed by replaying its
	// record: see [Recaller].
	ErrNoState = errors.New("optimizer: the search's state lies in another program")
	// ErrUnsuited is returned by constructors for a problem that the algorithm cannot handle.
	ErrUnsuited = errors.New("the problem does not suit the algorithm")
)
