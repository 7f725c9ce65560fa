package child

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Encoding is how messages are written. A program chooses one in its hello.
type Encoding string

// The encodings.
const (
	JSON    Encoding = "json"
	Msgpack Encoding = "msgpack"
)

// Marshal writes a message down, the same message each time in the same way.
func (e Encoding) Marshal(v any) ([]byte, error) {
	if e == JSON {
		return json.Marshal(v)
	}
	b := bytes.NewBuffer(make([]byte, 0, 16<<10)) // most messages fit
	enc := msgpack.NewEncoder(b)
	enc.SetSortMapKeys(true) // as JSON does
	err := enc.Encode(v)
	return b.Bytes(), err
}

// Unmarshal reads a message of any origin. Its values are nil, bool, float64 or another number, string, []byte, map[string]any, and as lists
// []float64 where all elements are numbers, otherwise []any: see Len and Item. They take at most a few times the memory of the message.
func (e Encoding) Unmarshal(b []byte) (any, error) {
	if e == Msgpack {
		return unmarshalMsgpack(b)
	}
	v, err := unmarshalJSON(b)
	if err != nil && (bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Infinity"))) {
		err = fmt.Errorf("%w (there is no NaN and no Infinity in JSON)", err)
	}
	return v, err
}

// Message is what a server is sent after its hello: a pointer to a struct that has Numbered in it, and fields that are tagged for JSON and
// msgpack alike.
type Message interface{ number(int) }

// Numbered is the number of a message, which the answer to it has, too; 0 in version 1 of the protocol.
type Numbered struct {
	Number int `json:"number,omitempty" msgpack:"number,omitempty"`
}

func (n *Numbered) number(to int) { n.Number = to }

// Setup is the first message: a pointer to a struct that has Opening in it.
type Setup interface {
	Message
	protocol(version int)
}

// Opening is what every setup begins with.
type Opening struct {
	Numbered
	Protocol  int           `json:"protocol" msgpack:"protocol"` // its version, as the server said it in its hello
	Role      string        `json:"role" msgpack:"role"`         // what the server is there for: "optimizee" or "optimizer"
	Constants codec.Section `json:"constants" msgpack:"constants"`
}

func (o *Opening) protocol(version int) { o.Protocol = version }

// errTooLong is a frame that announces more bytes than are allowed.
var errTooLong = errors.New("a frame longer than allowed")

// appendFrame appends a frame to dst: the length of the message, 4 bytes little-endian, and the message.
func appendFrame(dst, message []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(message)))
	return append(dst, message...)
}

// readFrame reads a frame of at most limit bytes into buf, which it extends where needed, and returns the message. It returns io.EOF at
// the end between frames, io.ErrUnexpectedEOF at one within a frame, and errTooLong.
func readFrame(r io.Reader, limit int, buf []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[:]))
	if n > int64(limit) {
		return nil, fmt.Errorf("%w: %d bytes (they begin with %q), at most %d are", errTooLong, n, head[:], limit)
	}
	// In steps, so that memory is taken as bytes arrive, not as they are announced.
	buf = buf[:0]
	for int64(len(buf)) < n {
		at := len(buf)
		if at == cap(buf) {
			buf = append(make([]byte, 0, max(4<<10, min(n, max(1<<20, 2*int64(at))))), buf...)
		}
		buf = buf[:min(n, int64(cap(buf)))]
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}
