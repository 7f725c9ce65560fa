package codec

import (
	"fmt"
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
	switch f := field.(type) {
	case *int:
		return *f == 0
	case *int64:
		return *f == 0
	case *uint8:
		return *f == 0
	case *uint64:
		return *f == 0
	case *float64:
		return *f == 0
	case *string:
		return *f == ""
	case *Vector:
		return len(*f) == 0
	}
	return reflect.ValueOf(field).Elem().IsZero()
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
