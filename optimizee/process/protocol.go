package process

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Version is the version of the protocol between l2l-mpi and a worker, which PROTOCOL.md describes.
const Version = 1

// encoding is how messages are written. A worker chooses one in its hello.
type encoding string

const (
	asJSON    encoding = "json"
	asMsgpack encoding = "msgpack"
)

// marshal writes a message down.
func (e encoding) marshal(v any) ([]byte, error) {
	if e == asJSON {
		return json.Marshal(v)
	}
	b := bytes.NewBuffer(make([]byte, 0, 16<<10)) // most messages fit
	enc := msgpack.NewEncoder(b)
	enc.SetSortMapKeys(true) // as JSON does: the same message each time
	err := enc.Encode(v)
	return b.Bytes(), err
}

// unmarshal reads a message of any origin. Its values are nil, bool, float64 or another number, string, []byte, []any, map[string]any.
func (e encoding) unmarshal(b []byte) (any, error) {
	var v any
	if e == asMsgpack {
		err := codec.Unmarshal(b, &v)
		return v, err
	}
	err := json.Unmarshal(b, &v)
	if err != nil && (bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Infinity"))) {
		err = fmt.Errorf("%w (there is no NaN and no Infinity in JSON)", err)
	}
	return v, err
}

// setup is what a worker is told once, after its hello.
type setup struct {
	Protocol   int              `json:"protocol" msgpack:"protocol"`
	Parameters []setupParameter `json:"parameters" msgpack:"parameters"`
	Objectives []setupObjective `json:"objectives" msgpack:"objectives"`
	Outputs    int              `json:"outputs" msgpack:"outputs"`
	Constants  map[string]any   `json:"constants" msgpack:"constants"`
}

type setupParameter struct {
	Name    string   `json:"name" msgpack:"name"`
	Kind    string   `json:"kind" msgpack:"kind"`
	Size    int      `json:"size" msgpack:"size"`
	Choices []string `json:"choices,omitempty" msgpack:"choices,omitempty"`
	Unit    string   `json:"unit,omitempty" msgpack:"unit,omitempty"`
}

type setupObjective struct {
	Name      string `json:"name" msgpack:"name"`
	Direction string `json:"direction" msgpack:"direction"`
}

// request asks a worker for evaluations, at least one.
type request struct {
	Evaluations []evaluation `json:"evaluations" msgpack:"evaluations"`
}

// evaluation is one evaluation, as a worker gets it in a request, and a oneshot program in params.json.
type evaluation struct {
	Params    params         `json:"params" msgpack:"params"`
	Seed      uint64         `json:"seed" msgpack:"seed"`
	Instance  int            `json:"instance" msgpack:"instance"`
	Dir       string         `json:"dir,omitempty" msgpack:"dir,omitempty"`
	Constants map[string]any `json:"constants,omitempty" msgpack:"constants,omitempty"` // oneshot only
}

func newEvaluation(e optimizee.Evaluation) evaluation {
	return evaluation{Params: e.All(), Seed: e.Seed, Instance: e.Instance}
}

// params is written as an object whose keys are in the order of the space.
type params []optimizee.Value

var (
	_ msgpack.CustomEncoder = params(nil)
	_ json.Marshaler        = params(nil)
)

// EncodeMsgpack implements msgpack.CustomEncoder.
func (p params) EncodeMsgpack(enc *msgpack.Encoder) error {
	if err := enc.EncodeMapLen(len(p)); err != nil {
		return err
	}
	for _, v := range p {
		value := v.Value
		if x, ok := value.([]float64); ok {
			value = codec.Vector(x)
		}
		if err := errors.Join(enc.EncodeString(v.Name), enc.Encode(value)); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (p params) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, v := range p {
		name, err1 := json.Marshal(v.Name)
		value, err2 := json.Marshal(v.Value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// errTooLong is a frame that announces more bytes than are allowed.
var errTooLong = errors.New("process: a frame longer than allowed")

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
	const step = 1 << 20
	buf = buf[:0]
	for int64(len(buf)) < n {
		at, more := len(buf), int(min(n-int64(len(buf)), step))
		buf = append(buf, make([]byte, more)...)
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}
