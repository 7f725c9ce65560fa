package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"
)

// A record is a struct that is written often: a msgpack array of its fields, in an order that never changes. Fields that are zero are not
// written where nothing but zeros follows, so that a field that is seldom used costs nothing at the record's end, where it was added. The
// type implements msgpack.CustomEncoder and msgpack.CustomDecoder by one list of pointers to its fields:
//
//	func (p *point) fields() []any                             { return []any{&p.ID, &p.X} }
//	func (p point) EncodeMsgpack(enc *msgpack.Encoder) error   { return codec.EncodeRecord(enc, p.fields()...) }
//	func (p *point) DecodeMsgpack(dec *msgpack.Decoder) error  { return codec.DecodeRecord(dec, p.fields()...) }
//
// One that is written for each evaluation has its list in an array, which takes no memory of its own, and is an [Appender] by [AppendRecord].

// EncodeRecord writes a record of the fields that are pointed to.
func EncodeRecord(enc *msgpack.Encoder, fields ...any) error {
	n := len(fields)
	for n > 0 && isZero(fields[n-1]) {
		n--
	}
	if err := enc.EncodeArrayLen(n); err != nil {
		return err
	}
	for _, f := range fields[:n] {
		if err := encodeField(enc, f); err != nil {
			return err
		}
	}
	return nil
}

// DecodeRecord reads a record into the fields that are pointed to. Those that it does not have become zero; those that it has beyond are
// passed over.
func DecodeRecord(dec *msgpack.Decoder, fields ...any) error {
	n, err := dec.DecodeArrayLen()
	if err != nil {
		return err
	}
	for i, f := range fields {
		if i >= n {
			reflect.ValueOf(f).Elem().SetZero()
		} else if err := decodeField(dec, f); err != nil {
			return fmt.Errorf("field %d: %w", i, err)
		}
	}
	for i := len(fields); i < n; i++ {
		if err := dec.Skip(); err != nil {
			return err
		}
	}
	return nil
}

// The usual types are told apart by hand, since reflection takes several times as long.

func isZero(field any) bool {
	zero, usual := isUsualZero(field)
	return usual && zero || !usual && reflect.ValueOf(field).Elem().IsZero()
}

// isUsualZero is isZero for the usual types. Without reflection, the fields of AppendRecord need not be on the heap.
func isUsualZero(field any) (zero, usual bool) {
	switch f := field.(type) {
	case *int:
		return *f == 0, true
	case *int64:
		return *f == 0, true
	case *uint8:
		return *f == 0, true
	case *uint64:
		return *f == 0, true
	case *float64:
		return *f == 0, true
	case *string:
		return *f == "", true
	case *Vector:
		return len(*f) == 0, true
	}
	return false, false
}

func encodeField(enc *msgpack.Encoder, field any) error {
	switch f := field.(type) {
	case *int:
		return enc.EncodeInt(int64(*f))
	case *int64:
		return enc.EncodeInt(*f)
	case *uint8:
		return enc.EncodeUint(uint64(*f))
	case *uint64:
		return enc.EncodeUint(*f)
	case *float64:
		return enc.EncodeFloat64(*f)
	case *string:
		return enc.EncodeString(*f)
	case *Vector:
		return f.EncodeMsgpack(enc)
	}
	return enc.Encode(field)
}

func decodeField(dec *msgpack.Decoder, field any) (err error) {
	switch f := field.(type) {
	case *int:
		*f, err = dec.DecodeInt()
	case *int64:
		*f, err = dec.DecodeInt64()
	case *uint8:
		*f, err = dec.DecodeUint8()
	case *uint64:
		*f, err = dec.DecodeUint64()
	case *float64:
		*f, err = dec.DecodeFloat64()
	case *string:
		*f, err = dec.DecodeString()
	case *Vector:
		err = f.DecodeMsgpack(dec)
	default:
		err = dec.Decode(field)
	}
	return err
}

// Appender is a value that appends its encoding, the same as Marshal's, to dst: for values that are written so often that an encoder costs too much.
type Appender interface{ AppendMsgpack(dst []byte) []byte }

// Append appends what Marshal returns to dst.
func Append(dst []byte, v any) ([]byte, error) {
	if a, ok := v.(Appender); ok {
		return a.AppendMsgpack(dst), nil
	}
	b, err := Marshal(v)
	return append(dst, b...), err
}

// AppendRecord is EncodeRecord for fields of the usual types, to dst. It panics for others.
func AppendRecord(dst []byte, fields ...any) []byte {
	n := len(fields)
	for ; n > 0; n-- {
		if zero, _ := isUsualZero(fields[n-1]); !zero {
			break
		}
	}
	dst = AppendArray(dst, n)
	for _, f := range fields[:n] {
		switch f := f.(type) {
		case *int:
			dst = AppendInt(dst, int64(*f))
		case *int64:
			dst = AppendInt(dst, *f)
		case *uint8:
			dst = AppendInt(dst, int64(*f))
		case *float64:
			dst = AppendFloat(dst, *f)
		case *string:
			dst = AppendString(dst, *f)
		case *Vector:
			dst = AppendVector(dst, *f)
		default:
			panic("codec: a record with a field of another type")
		}
	}
	return dst
}

// AppendInt appends an integer in as few bytes as it takes.
func AppendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0 && n <= math.MaxInt8, n < 0 && n >= -32:
		return append(dst, byte(n))
	case n >= 0 && n <= math.MaxUint8:
		return append(dst, 0xcc, byte(n))
	case n >= 0 && n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(n))
	case n >= 0 && n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(n))
	case n >= 0:
		return binary.BigEndian.AppendUint64(append(dst, 0xcf), uint64(n))
	case n >= math.MinInt8:
		return append(dst, 0xd0, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(n))
}

// AppendFloat appends a float64.
func AppendFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

// AppendVector appends a vector.
func AppendVector(dst []byte, v Vector) []byte { return v.Append(appendShortBin(dst, 8*len(v))) }

// AppendString appends a text.
func AppendString(dst []byte, s string) []byte {
	n := len(s)
	switch {
	case n < 32:
		dst = append(dst, 0xa0|byte(n))
	case n < 256:
		dst = append(dst, 0xd9, byte(n))
	case n < 65536:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xda), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n))
	}
	return append(dst, s...)
}

// appendShortBin appends the head of a bin in as few bytes as it takes.
func appendShortBin(dst []byte, n int) []byte {
	switch {
	case n < 256:
		return append(dst, 0xc4, byte(n))
	case n < 65536:
		return binary.BigEndian.AppendUint16(append(dst, 0xc5), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xc6), uint32(n))
}
