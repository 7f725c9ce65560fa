// Package codec is the one way in which the project writes values down, in journals, checkpoints and messages: msgpack, with vectors of
// float64 as raw little-endian bytes. An array of msgpack floats costs some ten times as much to encode, and at a hundred
// dimensions the encoder, not MPI, then limits rank 0.
//
// What is written down grows: versions of the program read each other's values. A reader passes over what it does not know, and what is
// missing is zero. Therefore a field is only ever added, a struct's under a new name and a record's ([EncodeRecord]) or a table's
// ([Columns]) at its end, and the name or the place of one that is given up is not used again.
package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// Marshal encodes v. Structs are written as maps of their exported fields' names.
func Marshal(v any) ([]byte, error) { return msgpack.Marshal(v) }

// Unmarshal decodes b, which must hold one value and nothing after it, into the value v points to. Bytes of any origin are safe: they
// give an error, never a panic, and take no more memory than in proportion to their length; values nested more than 1000 deep are an
// error. A struct's field that the bytes have and v lacks is passed over. After an error the value is undefined.
func Unmarshal(b []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("codec: %v", p)
		}
	}()
	if err := check(b); err != nil {
		return err
	}
	dec := msgpack.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	return nil
}

// Vector is a []float64 that is encoded as a bin of 8·len bytes, bit for bit (NaN payloads included). A nil and an empty Vector
// both decode as nil.
type Vector []float64

var (
	_ msgpack.CustomEncoder = Vector(nil)
	_ msgpack.CustomDecoder = (*Vector)(nil)
)

// EncodeMsgpack implements msgpack.CustomEncoder.
func (v Vector) EncodeMsgpack(enc *msgpack.Encoder) error {
	return enc.EncodeBytes(v.Append(make([]byte, 0, 8*len(v))))
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (v *Vector) DecodeMsgpack(dec *msgpack.Decoder) error {
	raw, err := dec.DecodeBytes()
	if err != nil {
		return err
	}
	*v, err = ParseVector(raw)
	return err
}

// Append appends the little-endian bytes of v to dst and returns the extended slice.
func (v Vector) Append(dst []byte) []byte {
	if littleEndian {
		return append(dst, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 8*len(v))...)
	}
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst
}

// littleEndian says that this machine's doubles are already written as Vector writes them.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// ParseVector is the inverse of Append. It fails if len(raw) is not a multiple of 8.
func ParseVector(raw []byte) (Vector, error) {
	if len(raw)%8 != 0 {
		return nil, fmt.Errorf("codec: a vector of %d bytes, want a multiple of 8", len(raw))
	}
	if len(raw) == 0 {
		return nil, nil
	}
	v := make(Vector, len(raw)/8)
	if littleEndian {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(raw)), raw)
		return v, nil
	}
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return v, nil
}
