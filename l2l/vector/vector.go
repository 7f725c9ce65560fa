// Package vector gives []float64 one encoding wherever the project writes it down: raw little-endian
// doubles in a msgpack bin. Parameters, fitness, optimizer state, journal and wire messages all use it.
// An array of msgpack floats costs five times as much to encode, and at a hundred dimensions the encoder,
// not MPI, then limits rank 0.
package vector

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/vmihailenco/msgpack/v5"
)

// Vector is a []float64 that msgpack writes as a bin of 8·len bytes, bit for bit (NaN payloads included).
// A nil and an empty Vector both encode as an empty bin and decode as nil.
type Vector []float64

var (
	_ msgpack.CustomEncoder = Vector(nil)
	_ msgpack.CustomDecoder = (*Vector)(nil)
)

// EncodeMsgpack implements msgpack.CustomEncoder.
func (v Vector) EncodeMsgpack(enc *msgpack.Encoder) error {
	return enc.EncodeBytes(Append(make([]byte, 0, 8*len(v)), v))
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (v *Vector) DecodeMsgpack(dec *msgpack.Decoder) error {
	raw, err := dec.DecodeBytes()
	if err != nil {
		return err
	}
	*v, err = Parse(raw)
	return err
}

// Append appends the little-endian bytes of v to dst and returns the extended slice.
func Append(dst []byte, v []float64) []byte {
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst
}

// Parse is the inverse of Append. It fails if len(raw) is not a multiple of 8.
func Parse(raw []byte) (Vector, error) {
	if len(raw)%8 != 0 {
		return nil, fmt.Errorf("vector: %d bytes, want a multiple of 8", len(raw))
	}
	if len(raw) == 0 {
		return nil, nil
	}
	v := make(Vector, len(raw)/8)
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return v, nil
}
