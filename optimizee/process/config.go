package process

import (
	"errors"
	"fmt"
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Config is a program as an optimizee, as a configuration describes it. A run that is resumed may have another program, or start it otherwise:
// that it is the same model is for its user to see to. What is searched has to be the same.
type Config struct {
	child.Program `resume:"free"`
	Mode          string                `yaml:"mode" doc:"worker: it is started once per slot, and answers requests, as optimizee/process/PROTOCOL.md tells; oneshot: it is started for each evaluation" range:"worker | oneshot" resume:"free"`
	Parameters    schema.Map[Parameter] `yaml:"parameters" doc:"what is searched, in the order of the search vector"`
	Objectives    schema.Map[Objective] `yaml:"objectives" doc:"what the program returns; NAME: minimise is short for NAME: {direction: minimise}"`
	Random        bool                  `yaml:"stochastic,omitempty" doc:"the program returns another fitness for the same parameters with another seed, so that the best one reported is the luckiest: the answer is then evaluated anew"`
	Outputs       int                   `yaml:"outputs" doc:"model outputs, and as many targets, that it returns besides" range:"[0, 1e7]"`

	Pass        string      `yaml:"pass" doc:"how a oneshot program gets the parameters that its command does not name as {NAME}: as arguments --NAME=value, in environment variables L2L_PARAM_NAME, or in a file params.json or params.csv, which its command may name as {params}; a command may name constants, too" range:"arguments | environment | json | csv" resume:"free"`
	Fitness     Fitness     `yaml:"fitness" doc:"where a oneshot program leaves its fitness: last_line, or a section" auto:"the last line of the standard output" resume:"free"`
	SideEffects bool        `yaml:"side_effects,omitempty" doc:"the program does something else beside returning its fitness, which must not happen twice at a time, as writing to a file of a fixed name: then execution.copies is off" resume:"free"`
	Files       []string    `yaml:"files" doc:"files and directories of dir that a oneshot program, which runs in a directory of its own, finds there" auto:"the first argument of the command, if it is a file of dir" resume:"free"`
	TestWith    child.Words `yaml:"test,omitempty" doc:"what l2l-mpi test starts, in dir: a program and its arguments, which tests what a run has found on what the search was not shown, as optimizee/process/PROTOCOL.md tells" resume:"free"`
	Scratch     bool        `yaml:"scratch" doc:"whether a worker is given a directory for each evaluation; a oneshot program always is" resume:"free"`

	Launcher           child.Words `yaml:"launcher" doc:"what starts the program, if that is an MPI program itself: mpirun -n 4, or srun --exact -N 1 -n 4; on the node of its rank" resume:"free"`
	Width              int         `yaml:"cpus" doc:"CPUs that an evaluation keeps busy; a rank has accordingly fewer slots" range:"[1, 1e6]" auto:"the tasks of the launcher times their CPUs, or 1" resume:"free"`
	Affinity           string      `yaml:"affinity" doc:"whether the program is bound to the CPUs of its rank, or free" range:"inherit | free" auto:"free if its rank is bound to fewer CPUs than it needs" resume:"free"`
	child.Surroundings `resume:"free"`
}

// The modes.
const (
	modeWorker  = "worker"
	modeOneshot = "oneshot"
)

// defaultConfig is what a configuration starts from.
func defaultConfig() Config {
	return Config{Mode: modeWorker, Pass: "arguments", Surroundings: child.DefaultSurroundings()}
}

// Parameter is one parameter, or a vector of them.
type Parameter struct {
	Type    string   `yaml:"type,omitempty" doc:"of the values; categorical are those of choices of any types" range:"float | int | bool | categorical" auto:"categorical with choices, otherwise float"`
	Lower   *float64 `yaml:"lower,omitempty" doc:"bound, inclusive; needed for float and int, unless there is a std"`
	Upper   *float64 `yaml:"upper,omitempty" doc:"bound, inclusive; needed for float and int, unless there is a std"`
	Scale   string   `yaml:"scale,omitempty" doc:"whether the value is searched, or its logarithm" range:"linear | log" auto:"linear"`
	Choices []any    `yaml:"choices,omitempty" doc:"values to choose from, without an order, at least two: text, numbers, true or false, each of the type that it has in YAML, or, of a parameter with a type, of that"`
	Size    int      `yaml:"size,omitempty" doc:"of a vector; 0 is a single value" range:"[0, 1e7]"`
	Mean    float64  `yaml:"mean,omitempty" doc:"of the first individuals, where there is a std"`
	Std     float64  `yaml:"std,omitempty" doc:"standard deviation of the first individuals, which are then normally distributed, for a log scale in the natural logarithm; 0: uniform between the bounds" range:"[0, inf)"`
	Unit    string   `yaml:"unit,omitempty" doc:"of the value, for people" resume:"free"`
	Doc     string   `yaml:"doc,omitempty" doc:"what it is, for people" resume:"free"`
}

// SchemaRules implements schema.Ruled: there is something to search for, and to start.
func (c *Config) SchemaRules() map[string]any {
	one := map[string]any{"type": "object", "minProperties": 1}
	return map[string]any{
		"allOf": []any{c.Program.SchemaRules()}, "required": []string{"parameters", "objectives"},
		"properties": map[string]any{"parameters": one, "objectives": one},
	}
}

// SchemaRules implements schema.Ruled: as parameter and optimizee.Space.Check have it, numbers have bounds or a normal distribution, and what is no number
// has choices or none.
func (*Parameter) SchemaRules() map[string]any {
	type rule = map[string]any
	is := func(key string, s rule) rule { return rule{"required": []string{key}, "properties": rule{key: s}} }
	oneOf := func(values ...any) rule { return rule{"enum": values} }
	either := func(rules ...rule) rule { return rule{"anyOf": rules} }
	not := func(r rule) rule { return rule{"not": r} }
	when := func(condition, then rule) rule { return rule{"if": condition, "then": then} }

	number, whole := rule{"type": "number"}, rule{"type": []string{"integer", "null"}}
	positive := rule{"type": "number", "exclusiveMinimum": 0}
	several := rule{"type": "array", "minItems": 2}
	given, notZero := not(oneOf(nil)), not(oneOf(0))
	bounds := rule{"required": []string{"lower", "upper"}, "properties": rule{"lower": number, "upper": number}}
	chosen := is("choices", rule{"minItems": 1})
	noNumber := either(chosen, is("type", oneOf("bool", "categorical")))
	return rule{"type": "object", "allOf": []any{
		when(noNumber, not(either(is("lower", given), is("upper", given), is("std", notZero), is("mean", notZero), is("scale", oneOf("log"))))),
		when(not(noNumber), either(bounds, is("std", positive))),
		when(either(chosen, is("type", oneOf("categorical"))), is("choices", several)),
		when(is("type", oneOf("int")), rule{"properties": rule{"lower": whole, "upper": whole, "scale": not(oneOf("log"))}}),
		when(is("scale", oneOf("log")), is("lower", positive)),
		when(is("mean", notZero), is("std", positive)),
	}}
}

var kinds = map[string]optimizee.Kind{
	"float": optimizee.Float, "int": optimizee.Int, "bool": optimizee.Bool, "categorical": optimizee.Categorical,
}

// parameter translates the description of a parameter. What remains wrong with it is for optimizee.Space.Check to say.
func (p Parameter) parameter(name string) (optimizee.Parameter, error) {
	kind, choices := kinds[p.Type], p.Choices // "" is float
	if len(choices) > 0 {
		var err error
		if choices, err = ofKind(choices, p.Type); err != nil {
			return optimizee.Parameter{}, schema.At(err, "parameters", name, "choices")
		}
		kind = optimizee.Categorical
	}
	out := optimizee.Parameter{
		Name: name, Kind: kind, Lower: math.Inf(-1), Upper: math.Inf(1), Log: p.Scale == "log", Choices: choices, Size: p.Size,
		Unit: p.Unit, Doc: p.Doc, Mean: p.Mean, Std: p.Std,
	}
	if kind == optimizee.Bool || kind == optimizee.Categorical {
		if p.Lower != nil || p.Upper != nil || p.Std > 0 || p.Mean != 0 {
			return out, schema.At(fmt.Errorf("bounds, a mean or a std, which a %v does not have", kind), "parameters", name)
		}
		out.Lower, out.Upper = 0, 0
		return out, nil
	}
	if (p.Lower == nil || p.Upper == nil) && p.Std == 0 {
		return out, schema.At(errors.New("want lower and upper, or a mean and a std"), "parameters", name)
	}
	if p.Lower != nil {
		out.Lower = *p.Lower
	}
	if p.Upper != nil {
		out.Upper = *p.Upper
	}
	return out, nil
}

// ofKind are choices as values of a type that the parameter has been given, "" and categorical being any: of the type float, 1 is 1.0.
func ofKind(choices []any, typ string) ([]any, error) {
	converted := make([]any, len(choices))
	for i, c := range choices {
		whole, isInt := c.(int)
		_, isFloat := c.(float64)
		_, isBool := c.(bool)
		converted[i] = c
		switch {
		case typ == "float" && isInt:
			converted[i] = float64(whole)
		case typ == "float" && !isFloat, typ == "int" && !isInt:
			return nil, fmt.Errorf("[%d]: %v, want numbers, as the type is %s", i, c, typ)
		case typ == "bool" && !isBool:
			return nil, fmt.Errorf("[%d]: %v, want true and false, as the type is bool", i, c)
		}
	}
	return converted, nil
}

// Objective is one number of the fitness.
type Objective struct {
	Direction string  `yaml:"direction" doc:"which fitness is better" range:"minimise | maximise"`
	Weight    float64 `yaml:"weight,omitempty" doc:"share of the sum, where several objectives are added up; 0 means 1" range:"[0, inf)"`
	Unit      string  `yaml:"unit,omitempty" doc:"for people" resume:"free"`
}

// SchemaWord implements schema.Worded: the direction alone.
func (*Objective) SchemaWord() map[string]any {
	return map[string]any{"enum": []string{"minimise", "maximise"}}
}

// SchemaRules implements schema.Ruled: there is no direction that goes without saying.
func (*Objective) SchemaRules() map[string]any {
	return map[string]any{"type": "object", "required": []string{"direction"}}
}

// UnmarshalText implements encoding.TextUnmarshaler: the direction alone.
func (o *Objective) UnmarshalText(text []byte) error {
	if _, err := direction(string(text)); err != nil {
		return err
	}
	*o = Objective{Direction: string(text)}
	return nil
}

func direction(word string) (optimizee.Direction, error) {
	switch word {
	case "minimise":
		return optimizee.Minimise, nil
	case "maximise":
		return optimizee.Maximise, nil
	}
	return 0, fmt.Errorf("want minimise or maximise")
}

// objective translates the description of an objective.
func (o Objective) objective(name string) (optimizee.Objective, error) {
	d, err := direction(o.Direction)
	if err != nil {
		return optimizee.Objective{}, schema.At(fmt.Errorf("no direction, %w", err), "objectives", name)
	}
	return optimizee.Objective{Name: name, Direction: d, Weight: o.Weight, Unit: o.Unit}, nil
}

// Fitness says where a oneshot program leaves its fitness. The zero Fitness is the last line of its standard output: a number for each
// objective, separated by spaces, commas or semicolons. At most one of the first three fields may be set.
type Fitness struct {
	JSON  string `yaml:"json,omitempty" doc:"a file, with a number, a list, an object with a number for each objective, or one with the key fitness that has this, and perhaps outputs and targets"`
	CSV   string `yaml:"csv,omitempty" doc:"a file whose last row is the fitness: in columns that a row above names as the objectives are, or else in the first ones"`
	Regex string `yaml:"regex,omitempty" doc:"a regular expression (RE2) with a group for each objective, in their order or by their names; its last match in the standard output counts"`
	Key   string `yaml:"key,omitempty" doc:"where in the JSON file the fitness is, keys and indices joined by dots; or the name of the column of the CSV file"`
}

// SchemaWord implements schema.Worded: the word last_line.
func (*Fitness) SchemaWord() map[string]any { return map[string]any{"enum": []string{"last_line"}} }

// UnmarshalText implements encoding.TextUnmarshaler: the word last_line.
func (f *Fitness) UnmarshalText(text []byte) error {
	if string(text) != "last_line" {
		return fmt.Errorf("want last_line, or a section with json, csv or regex")
	}
	*f = Fitness{}
	return nil
}
