package optimizer

import (
	"fmt"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// envelope is a marshalled optimizer: whose state it is, and the state.
type envelope struct {
	Algorithm string
	Version   int // of the state's layout
	Dim       int
	State     []byte
}

// encodeState marshals an algorithm's state, a struct of exported fields.
func encodeState(algorithm string, version int, problem Problem, state any) ([]byte, error) {
	raw, err := codec.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("optimizer: %s: state: %w", algorithm, err)
	}
	return codec.Marshal(envelope{algorithm, version, problem.Dim(), raw})
}

// decodeState is the inverse of encodeState. It returns a state of its own and ErrState where b is not one.
func decodeState[S any](algorithm string, version int, problem Problem, b []byte) (s S, err error) {
	var e envelope
	if err := codec.Unmarshal(b, &e); err != nil {
		return s, fmt.Errorf("%w: %w", ErrState, err)
	}
	if e.Algorithm != algorithm || e.Version != version || e.Dim != problem.Dim() {
		return s, fmt.Errorf("%w: it is of %s version %d in %d dimensions, want %s version %d in %d", ErrState,
			e.Algorithm, e.Version, e.Dim, algorithm, version, problem.Dim())
	}
	if err := codec.Unmarshal(e.State, &s); err != nil {
		return s, fmt.Errorf("%w: %w", ErrState, err)
	}
	return s, nil
}

// source is a random stream that marshals as its position.
type source struct{ rand.PCG }

// newSource starts the stream of a seed. Different algorithms with the same seed draw from the same stream.
func newSource(seed uint64) *source { return &source{*rand.NewPCG(seed, 0x6c326c2d6d7069)} }
