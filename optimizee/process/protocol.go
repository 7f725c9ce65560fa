package process

import (
	"encoding/json"
	"errors"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// setup is what a worker is told once, after its hello.
type setup struct {
	child.Opening
	Parameters []setupParameter `json:"parameters" msgpack:"parameters"`
	Objectives []setupObjective `json:"objectives" msgpack:"objectives"`
	Outputs    int              `json:"outputs" msgpack:"outputs"`
}

type setupParameter struct {
	Name    string     `json:"name" msgpack:"name"`
	Kind    string     `json:"kind" msgpack:"kind"`
	Size    int        `json:"size" msgpack:"size"`
	Choices codec.List `json:"choices,omitempty" msgpack:"choices,omitempty"`
	Unit    string     `json:"unit,omitempty" msgpack:"unit,omitempty"`
}

type setupObjective struct {
	Name      string `json:"name" msgpack:"name"`
	Direction string `json:"direction" msgpack:"direction"`
}

// request asks a worker for evaluations, at least one.
type request struct {
	child.Numbered
	Evaluations []evaluation `json:"evaluations" msgpack:"evaluations"`
	Profile     bool         `json:"profile,omitempty" msgpack:"profile,omitempty"` // the answer is to say how long the model took
}

// evaluation is one evaluation, as a worker gets it in a request, and a oneshot program in params.json.
type evaluation struct {
	Params    params        `json:"params" msgpack:"params"`
	Seed      uint64        `json:"seed" msgpack:"seed"`
	Instance  int           `json:"instance" msgpack:"instance"`
	Dir       string        `json:"dir,omitempty" msgpack:"dir,omitempty"`
	Constants codec.Section `json:"constants,omitempty" msgpack:"constants,omitempty"` // oneshot only
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
		if i > 0 {
			b = append(b, ',')
		}
		var err2 error
		if b, err2 = codec.AppendJSON(append(append(b, name...), ':'), v.Value); err1 != nil || err2 != nil {
			return nil, errors.Join(err1, err2)
		}
	}
	return append(b, '}'), nil
}
