package journal

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// begun1 is l2l.Begun as the first version wrote it: without the rules, most of which are in the text of its configuration.
type begun1 struct {
	Config     string
	Seed       uint64
	Version    string
	Space      optimizee.Space
	Objectives []optimizee.Objective
	Retries    int
	At         int64
	Hosts      []string
	Slots      int
}

// fronts are the optimizers of that time that took several objectives; the others searched for their weighted sum.
var fronts = []string{"nsga2", "nsga3", "ibea", "grid", "sobol", "latin_hypercube", "random"}

func decodeBegun1(payload []byte) (_ l2l.Event, err error) {
	defer func() {
		if p := recover(); p != nil { // the YAML parser's limits are not all checked
			err = fmt.Errorf("its configuration: %v", p)
		}
	}()
	var b begun1
	if err := codec.Unmarshal(payload, &b); err != nil {
		return nil, err
	}
	var config struct {
		Optimizer  struct{ Type string }
		Evaluation struct {
			Instances, Rotate, Replicates int
			Aggregate                     l2l.Aggregate
		}
		Execution struct {
			OnFailure struct{ Then l2l.Then } `yaml:"on_failure"`
		}
	}
	if err := yaml.Unmarshal([]byte(b.Config), &config); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	of := config.Evaluation
	return l2l.Begun{
		Config: b.Config, Version: b.Version, Algorithm: config.Optimizer.Type, Search: 1, Space: b.Space, At: b.At, Hosts: b.Hosts, Slots: b.Slots,
		Rules: l2l.Rules{
			Seed: b.Seed, Objectives: b.Objectives, Sum: len(b.Objectives) == 1 || !slices.Contains(fronts, config.Optimizer.Type),
			Sampling:  l2l.Sampling{Instances: of.Instances, Rotate: of.Rotate, Replicates: of.Replicates, Aggregate: of.Aggregate},
			OnFailure: l2l.OnFailure{Retries: b.Retries, Then: config.Execution.OnFailure.Then},
		},
	}, nil
}
