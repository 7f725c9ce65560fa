package child

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// errTooBig is a message whose values take too much memory. A list in a slice of any takes 16 bytes for each element, and as much again or more for
// what it points to: a message of small values grows forty-fold. So lists of numbers are read as []float64, and of all else there is an end.
var errTooBig = errors.New("too many values: they would take many times the memory of the message")

// room is the memory that the values of a message may still take, in bytes.
type room int

// roomFor is the room for the values of a message: what numbers in JSON take at most, and enough for tens of thousands of results.
func roomFor(message []byte) room { return room(4*len(message) + 32<<20) }

// What values take.
const (
	sizeNumber  = 8   // in a list of numbers
	sizeElement = 24  // in any other list, with the header or the number that it points to
	sizeGrowing = 72  // in such a list that grows, with those that it outgrew
	sizeEmpty   = 64  // a map without entries
	sizeObject  = 400 // one that has any
	sizeEntry   = 64  // a further entry of a map
)

// take takes room for n values of a size.
func (r *room) take(n, size int) error {
	if n > int(*r)/size {
		return errTooBig
	}
	*r -= room(n * size)
	return nil
}

// list is a list that is being read: of numbers as long as there are only numbers.
type list struct {
	numbers []float64
	values  []any
}

// others makes a list of numbers one of any values, with space for n.
func (l *list) others(n int, r *room) error {
	if l.values != nil {
		return nil
	}
	if err := r.take(n, sizeElement); err != nil {
		return err
	}
	l.values = make([]any, 0, n)
	for _, x := range l.numbers {
		l.values = append(l.values, x)
	}
	return nil
}

// value is the list that was read.
func (l *list) value() any {
	if l.values == nil && l.numbers != nil {
		return l.numbers
	}
	return l.values
}

// unmarshalJSON reads a JSON text.
func unmarshalJSON(b []byte) (any, error) {
	if !json.Valid(b) {
		return nil, json.Unmarshal(b, new(json.RawMessage)) // which says why
	}
	r := &jsonReader{b: b, room: roomFor(b)}
	return r.value()
}

// jsonReader reads a text that is known to be JSON, and nested no deeper than encoding/json allows.
type jsonReader struct {
	b    []byte
	at   int
	room room
}

// next is the next byte that is no white space.
func (r *jsonReader) next() byte {
	for {
		switch c := r.b[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
}

func (r *jsonReader) value() (any, error) {
	switch r.next() {
	case '{':
		return r.object()
	case '[':
		return r.list()
	case '"':
		return r.text()
	case 't':
		r.at += len("true")
		return true, nil
	case 'f':
		r.at += len("false")
		return false, nil
	case 'n':
		r.at += len("null")
		return nil, nil
	}
	return r.number()
}

func (r *jsonReader) object() (map[string]any, error) {
	if err := r.room.take(1, sizeEmpty); err != nil {
		return nil, err
	}
	object := map[string]any{}
	for r.at++; r.next() != '}'; {
		size := sizeEntry
		if len(object) == 0 {
			size = sizeObject
		}
		if err := r.room.take(1, size); err != nil {
			return nil, err
		}
		key, err := r.text()
		if err != nil {
			return nil, err
		}
		r.next()
		r.at++ // the colon
		if object[key], err = r.value(); err != nil {
			return nil, err
		}
		if r.next() == ',' {
			r.at++
			r.next()
		}
	}
	r.at++
	return object, nil
}

func (r *jsonReader) list() (any, error) {
	var l list
	r.at++
	if n := r.numbers(); n > 0 {
		if err := r.room.take(n, sizeNumber); err != nil {
			return nil, err
		}
		l.numbers = make([]float64, 0, n)
	}
	for r.next() != ']' {
		if len(l.numbers) < cap(l.numbers) {
			x, err := r.number()
			if err != nil {
				return nil, err
			}
			l.numbers = append(l.numbers, x)
		} else {
			if err := errors.Join(l.others(len(l.numbers), &r.room), r.room.take(1, sizeGrowing)); err != nil {
				return nil, err
			}
			v, err := r.value()
			if err != nil {
				return nil, err
			}
			l.values = append(l.values, v)
		}
		if r.next() == ',' {
			r.at++
		}
	}
	r.at++
	return l.value(), nil
}

// numbers is how many numbers follow here before anything else does.
func (r *jsonReader) numbers() (n int) {
	inside := false
	for _, c := range r.b[r.at:] {
		switch {
		case inNumber[c]:
			if !inside {
				n++
			}
			inside = true
		case c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r':
			inside = false
		default:
			return n
		}
	}
	return n
}

func (r *jsonReader) text() (text string, err error) {
	from, plain := r.at, true
	for r.at++; r.b[r.at] != '"'; r.at++ {
		if r.b[r.at] == '\\' {
			r.at++
		}
		plain = plain && r.b[r.at] >= ' ' && r.b[r.at] < 0x80 && r.b[r.at-1] != '\\'
	}
	r.at++
	if plain {
		return string(r.b[from+1 : r.at-1]), nil
	}
	err = json.Unmarshal(r.b[from:r.at], &text)
	return text, err
}

// inNumber are the bytes that there are in numbers.
var inNumber = [256]bool{
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'+': true, '-': true, '.': true, 'e': true, 'E': true,
}

func (r *jsonReader) number() (float64, error) {
	r.next()
	from := r.at
	for r.at < len(r.b) && inNumber[r.b[r.at]] {
		r.at++
	}
	x, err := strconv.ParseFloat(string(r.b[from:r.at]), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range of doubles it is infinite: a value that is bad, in a message that is none
		return 0, fmt.Errorf("%s, want a number", Quote(string(r.b[from:min(r.at, from+100)])))
	}
	return x, nil
}

// unmarshalMsgpack reads a msgpack value.
func unmarshalMsgpack(b []byte) (any, error) {
	r := msgpackReader{room: roomFor(b)}
	err := codec.Unmarshal(b, &r)
	return r.read, err
}

// msgpackReader reads what is known to be a msgpack value.
type msgpackReader struct {
	read any
	room room
}

var _ msgpack.CustomDecoder = (*msgpackReader)(nil)

// DecodeMsgpack implements msgpack.CustomDecoder.
func (r *msgpackReader) DecodeMsgpack(dec *msgpack.Decoder) (err error) {
	r.read, err = r.value(dec)
	return err
}

func (r *msgpackReader) value(dec *msgpack.Decoder) (any, error) {
	code, err := dec.PeekCode()
	switch {
	case err != nil:
		return nil, err
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return r.list(dec)
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return r.object(dec)
	}
	return dec.DecodeInterface()
}

func (r *msgpackReader) object(dec *msgpack.Decoder) (map[string]any, error) {
	n, err := dec.DecodeMapLen()
	err = errors.Join(err, r.room.take(1, sizeEmpty))
	if n > 0 {
		err = errors.Join(err, r.room.take(1, sizeObject), r.room.take(n, sizeEntry))
	}
	if err != nil {
		return nil, err
	}
	object := make(map[string]any, n)
	for range n {
		key, err := dec.DecodeString()
		if err != nil {
			return nil, err
		}
		if object[key], err = r.value(dec); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func (r *msgpackReader) list(dec *msgpack.Decoder) (any, error) {
	n, err := dec.DecodeArrayLen()
	if err != nil {
		return nil, err
	}
	var l list
	for i := range n {
		code, err := dec.PeekCode()
		if err != nil {
			return nil, err
		}
		if l.values == nil && isNumber(code) {
			if i == 0 {
				if err := r.room.take(n, sizeNumber); err != nil {
					return nil, err
				}
				l.numbers = make([]float64, 0, n)
			}
			x, err := number(dec, code)
			if err != nil {
				return nil, err
			}
			l.numbers = append(l.numbers, x)
			continue
		}
		if err := l.others(n, &r.room); err != nil {
			return nil, err
		}
		v, err := r.value(dec)
		if err != nil {
			return nil, err
		}
		l.values = append(l.values, v)
	}
	return l.value(), nil
}

func isNumber(code byte) bool {
	return msgpcode.IsFixedNum(code) || code >= msgpcode.Float && code <= msgpcode.Int64
}

func number(dec *msgpack.Decoder, code byte) (float64, error) {
	if code == msgpcode.Uint64 { // DecodeFloat64 takes it for a signed one
		n, err := dec.DecodeUint64()
		return float64(n), err
	}
	return dec.DecodeFloat64()
}
