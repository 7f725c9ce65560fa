package kit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// envelope is a marshalled optimizer: whose state it is, and the state.
type envelope struct {
	Algorithm string
	Version   int // of the state's layout
	Dim       int
	State     []byte
	Search    int // the version of the search; states of version 1 may lack it
}

// A marshalled state begins with seal and the CRC-32C of its envelope, little-endian, which follows: an algorithm relies on its state, so a
// damaged one, which may decode all the same, must not reach it. States of earlier builds are the envelope alone.
const (
	seal     = "L2LS"
	sealSize = len(seal) + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// EncodeState marshals the state of algorithm a, a struct of exported fields. layout is the version of that struct: whoever changes what its
// fields mean counts it up, whoever only adds fields need not.
func EncodeState(a optimizer.Algorithm, layout int, problem optimizer.Problem, state any) ([]byte, error) {
	raw, err := codec.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("optimizer: %s: state: %w", a.Name, err)
	}
	b, err := codec.Marshal(envelope{a.Name, layout, problem.Dim(), raw, a.Version()})
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint32([]byte(seal), crc32.Checksum(b, castagnoli)), b...), nil
}

// DecodeState is the inverse of EncodeState. It returns ErrState, and leaves state as it is, where b is not one, is damaged, is of another
// algorithm, layout or dimension, or of another version of the search.
func DecodeState[S any](a optimizer.Algorithm, layout int, problem optimizer.Problem, b []byte, state *S) error {
	if bytes.HasPrefix(b, []byte(seal)) && len(b) >= sealSize {
		sum := binary.LittleEndian.Uint32(b[len(seal):])
		if b = b[sealSize:]; crc32.Checksum(b, castagnoli) != sum {
			return fmt.Errorf("%w: it does not have its checksum", optimizer.ErrState)
		}
	}
	var e envelope
	if err := codec.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("%w: %w", optimizer.ErrState, err)
	}
	if e.Algorithm != a.Name || e.Dim != problem.Dim() {
		return fmt.Errorf("%w: it is of %s in %d dimensions, want %s in %d", optimizer.ErrState, e.Algorithm, e.Dim, a.Name, problem.Dim())
	}
	if search := cmp.Or(e.Search, 1); search != a.Version() {
		last := ""
		if search >= 1 && search <= len(a.Earlier) && a.Earlier[search-1] != "" {
			last = "; the last release with it is " + a.Earlier[search-1]
		}
		return fmt.Errorf("%w: it is of version %d of the search of %s, want version %d%s", optimizer.ErrState, search, a.Name, a.Version(), last)
	}
	if e.Version != layout {
		return fmt.Errorf("%w: it is of layout %d of %s, want %d", optimizer.ErrState, e.Version, a.Name, layout)
	}
	var s S
	if err := codec.Unmarshal(e.State, &s); err != nil {
		return fmt.Errorf("%w: %w", optimizer.ErrState, err)
	}
	if withoutSource(reflect.ValueOf(s)) {
		return fmt.Errorf("%w: it has no random stream", optimizer.ErrState)
	}
	*state = s
	return nil
}

// withoutSource reports whether a state, a struct, or one within it, has a Source that is nil.
func withoutSource(state reflect.Value) bool {
	if state.Kind() != reflect.Struct {
		return false
	}
	for i := range state.NumField() {
		f := state.Field(i)
		if f.Type() == reflect.TypeFor[*Source]() && f.IsNil() || withoutSource(f) {
			return true
		}
	}
	return false
}

// Source is a random stream that marshals as its position.
type Source struct{ rand.PCG }

// NewSource starts the stream of a seed. Different algorithms with the same seed draw from the same stream.
func NewSource(seed uint64) *Source { return &Source{*rand.NewPCG(seed, 0x6c326c2d6d7069)} }
