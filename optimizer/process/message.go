package process

import (
	"math"
	"strconv"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// setup is what the program is told once, after its hello.
type setup struct {
	child.Opening
	Coordinates  []coordinate `json:"coordinates" msgpack:"coordinates"`
	Objectives   int          `json:"objectives" msgpack:"objectives"`
	Outputs      int          `json:"outputs" msgpack:"outputs"`
	PopSize      int          `json:"pop_size" msgpack:"pop_size"`
	Asynchronous bool         `json:"asynchronous" msgpack:"asynchronous"`
	Budget       int64        `json:"budget" msgpack:"budget"` // individuals; 0 if it is not known
	Seed         uint64       `json:"seed" msgpack:"seed"`
}

type coordinate struct {
	Name    string     `json:"name" msgpack:"name"`
	Kind    string     `json:"kind" msgpack:"kind"`
	Lower   *float64   `json:"lower,omitempty" msgpack:"lower,omitempty"` // none: infinite
	Upper   *float64   `json:"upper,omitempty" msgpack:"upper,omitempty"`
	Mean    float64    `json:"mean" msgpack:"mean"`
	Std     float64    `json:"std" msgpack:"std"`
	Log     bool       `json:"log" msgpack:"log"`
	Choices codec.List `json:"choices,omitempty" msgpack:"choices,omitempty"`
	Unit    string     `json:"unit,omitempty" msgpack:"unit,omitempty"`
}

var kinds = map[optimizer.Kind]string{optimizer.Continuous: "float", optimizer.Integer: "int", optimizer.Categorical: "categorical"}

func (c *conversation) setup() *setup {
	s := &setup{
		Opening:     child.Opening{Role: "optimizer", Constants: c.par.Constants},
		Coordinates: make([]coordinate, c.problem.Dim()), Objectives: c.problem.NumObjectives(), Outputs: c.problem.Outputs,
		PopSize: c.par.PopSize, Asynchronous: c.par.Asynchronous, Budget: c.problem.Budget, Seed: c.seed,
	}
	for i, from := range c.problem.Coords {
		to := coordinate{Name: "x" + strconv.Itoa(i), Kind: kinds[from.Kind], Mean: from.Mean, Std: from.Std}
		if !math.IsInf(from.Lower, 0) {
			to.Lower = &from.Lower
		}
		if !math.IsInf(from.Upper, 0) {
			to.Upper = &from.Upper
		}
		if i < len(c.problem.Labels) {
			l := c.problem.Labels[i]
			to.Name, to.Log, to.Choices, to.Unit = l.Name, l.Log, l.Choices, l.Unit
		}
		s.Coordinates[i] = to
	}
	return s
}

// askRequest asks for as many points as there are IDs, which their individuals will have.
type askRequest struct {
	child.Numbered
	IDs []int64 `json:"ask" msgpack:"ask"`
}

// tellRequest tells what came of individuals.
type tellRequest struct {
	child.Numbered
	Results []*result `json:"tell" msgpack:"tell"`
}

// recallRequest tells of individuals that a program before this one proposed. Their results follow, or not yet.
type recallRequest struct {
	child.Numbered
	Points []result `json:"recall" msgpack:"recall"`
}

// result is an individual, with what came of it.
type result struct {
	ID      int64        `json:"id" msgpack:"id"`
	X       codec.Vector `json:"x" msgpack:"x"`
	Loss    codec.Vector `json:"loss,omitempty" msgpack:"loss,omitempty"`
	Failed  bool         `json:"failed,omitempty" msgpack:"failed,omitempty"`
	Outputs codec.Vector `json:"outputs,omitempty" msgpack:"outputs,omitempty"`
	Targets codec.Vector `json:"targets,omitempty" msgpack:"targets,omitempty"`

	replace bool // failed: another one takes its place
}
