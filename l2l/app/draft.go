package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/process"
)

// anyProgram is the optimizee that is described in the configuration alone.
const anyProgram = "process"

// draft is a configuration that is being written.
type draft struct {
	kinds       config.Kinds
	path        string // where it is to be
	name        string
	seed        uint64
	model       string // the type of the optimizee
	command     string // of a program
	program     *process.Process
	search      string // the type of the optimizer
	evaluations int64  // 0: without end
}

func newDraft() *draft {
	c := config.Defaults()
	return &draft{name: c.Name, seed: c.Seed, model: anyProgram, program: process.New(), evaluations: 2000}
}

// kindOfModel is the optimizee of a name.
func (d *draft) kindOfModel(name string) (optimizee.Type, error) {
	var names []string
	for _, o := range d.kinds.Optimizees {
		if o.Name == name {
			return o, nil
		}
		names = append(names, o.Name)
	}
	return optimizee.Type{}, fmt.Errorf("%q is unknown%s", name, config.DidYouMean(name, names))
}

// setCommand takes a command whose program is there.
func (d *draft) setCommand(text string) error {
	p := process.New()
	p.Command = strings.Fields(text)
	if err := p.Find(nil); err != nil {
		return ruleOf(err)
	}
	d.command = text
	return nil
}

// ruleOf is an error without the place where it is in a configuration.
func ruleOf(err error) error {
	var e *schema.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

var parameterText = regexp.MustCompile(`^([^=\[\]\s]+)(?:\[(\d+)\])?\s*=\s*(.+)$`)

// addParameter takes a parameter such as "g=0.1..10 log nS".
func (d *draft) addParameter(text string) error {
	match := parameterText.FindStringSubmatch(strings.TrimSpace(text))
	if match == nil {
		return fmt.Errorf("%q, want NAME=LOWER..UPPER with log, int or a unit, or NAME=choice|choice", text)
	}
	name, words := match[1], strings.Fields(match[3])
	var p process.Parameter
	p.Size, _ = strconv.Atoi(match[2]) // digits or none; a size that is too large is refused below
	lower, upper, isRange := strings.Cut(words[0], "..")
	switch {
	case strings.Contains(words[0], "|"):
		for word := range strings.SplitSeq(words[0], "|") {
			choice, err := config.ParseValue(word)
			if err != nil {
				return fmt.Errorf("%q: the choice %q: %w", text, word, err)
			}
			p.Choices = append(p.Choices, choice)
		}
		if slices.Equal(p.Choices, []any{true, false}) || slices.Equal(p.Choices, []any{false, true}) {
			p.Type, p.Choices = "bool", nil
		}
	case isRange:
		for _, end := range []struct {
			text string
			to   **float64
		}{{lower, &p.Lower}, {upper, &p.Upper}} {
			x, err := strconv.ParseFloat(end.text, 64)
			if err != nil || math.IsInf(x, 0) {
				return fmt.Errorf("%q: %q is no number, want NAME=LOWER..UPPER", text, end.text)
			}
			*end.to = &x
		}
	default:
		return fmt.Errorf("%q: %q, want LOWER..UPPER, or choice|choice", text, words[0])
	}
	for _, word := range words[1:] {
		switch {
		case word == "log":
			p.Scale = "log"
		case word == "int":
			p.Type = "int"
		case p.Unit == "":
			p.Unit = word
		default:
			return fmt.Errorf("%q: %q and %q, want one unit", text, p.Unit, word)
		}
	}
	kept := d.program.Parameters
	*d.program.Parameters.Append(name).(*process.Parameter) = p
	trial := process.New()
	trial.Command, trial.Parameters = []string{"true"}, d.program.Parameters[len(kept):]
	*trial.Config.Objectives.Append("e").(*process.Objective) = process.Objective{Direction: "minimise"}
	err := trial.Open()
	for _, earlier := range kept {
		if earlier.Key == name {
			err = errors.New("the parameter is there already")
		}
	}
	if err != nil {
		d.program.Parameters = kept
		return fmt.Errorf("%q: %w", text, ruleOf(err))
	}
	return nil
}

// addObjective takes an objective such as "error=minimise mV".
func (d *draft) addObjective(text string) error {
	name, rest, _ := strings.Cut(text, "=")
	words := strings.Fields(rest)
	name = strings.TrimSpace(name)
	if name == "" || len(words) < 1 || len(words) > 2 || words[0] != "minimise" && words[0] != "maximise" {
		return fmt.Errorf("%q, want NAME=minimise or NAME=maximise, with a unit", text)
	}
	for _, earlier := range d.program.Config.Objectives {
		if earlier.Key == name {
			return fmt.Errorf("%q: the objective is there already", text)
		}
	}
	o := process.Objective{Direction: words[0]}
	if len(words) > 1 {
		o.Unit = words[1]
	}
	*d.program.Config.Objectives.Append(name).(*process.Objective) = o
	return nil
}

// yaml is the configuration.
func (d *draft) yaml() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# All keys: l2l-mpi describe run. With every default: l2l-mpi check --config FILE. Any value: --set key.path=value")
	line("")
	line("name: %s", word(d.name))
	line("seed: %d   # same configuration and seed, same trajectory", d.seed)
	line("optimizee:   # more: l2l-mpi describe %s", d.model)
	line("  type: %s", word(d.model))
	if d.model == anyProgram {
		d.writeProgram(line)
	} else if kind, err := d.kindOfModel(d.model); err == nil {
		for _, f := range schema.Fields(kind.New()) {
			comment(line, f)
		}
	}
	line("optimizer:   # others: l2l-mpi describe")
	line("  type: %s", word(d.search))
	for _, a := range d.kinds.Optimizers {
		if a.Name != d.search {
			continue
		}
		for _, f := range schema.Fields(a.Params()) {
			if f.Key == "pop_size" {
				comment(line, f)
			}
		}
		line("  # more: l2l-mpi describe %s", d.search)
	}
	line("stop:")
	if d.evaluations > 0 {
		line("  evaluations: %d", d.evaluations)
	} else {
		line("  # evaluations: 2000")
	}
	line("  # target: 0.1          # the best fitness is at least as good as this")
	line("  # wall_time: 50m       # in a job of Slurm, PBS or LSF it is known")
	line("execution:")
	line("  # timeout: 10m         # of one evaluation")
	line("  # slots: 4             # evaluations at a time on each rank; otherwise one for each CPU")
	line("  # on_failure: {retries: 2, then: worst}")
	line("# evaluation: {replicates: 4}   # where evaluations are noisy")
	return b.String()
}

func (d *draft) writeProgram(line func(format string, args ...any)) {
	var command []string
	for _, w := range strings.Fields(d.command) {
		command = append(command, word(w))
	}
	line("  command: [%s]   # started once per slot", strings.Join(command, ", "))
	line("  parameters:")
	for _, e := range d.program.Parameters {
		line("    %s: {%s}", word(e.Key), strings.Join(parameterKeys(e.Value), ", "))
	}
	line("  objectives:")
	for _, e := range d.program.Config.Objectives {
		if e.Value.Unit == "" {
			line("    %s: %s", word(e.Key), e.Value.Direction)
			continue
		}
		line("    %s: {direction: %s, unit: %s}", word(e.Key), e.Value.Direction, word(e.Value.Unit))
	}
}

// parameterKeys are the keys of a parameter with their values.
func parameterKeys(p process.Parameter) []string {
	var keys []string
	add := func(given bool, format string, args ...any) {
		if given {
			keys = append(keys, fmt.Sprintf(format, args...))
		}
	}
	add(p.Type != "", "type: %s", p.Type)
	if p.Lower != nil && p.Upper != nil {
		add(true, "lower: %s", number(*p.Lower))
		add(true, "upper: %s", number(*p.Upper))
	}
	if len(p.Choices) > 0 {
		choices := make([]string, len(p.Choices))
		for i, c := range p.Choices {
			if choices[i] = fmt.Sprint(c); fmt.Sprintf("%T", c) == "string" {
				choices[i] = word(choices[i])
			}
		}
		add(true, "choices: [%s]", strings.Join(choices, ", "))
	}
	add(p.Scale != "", "scale: %s", p.Scale)
	add(p.Size > 0, "size: %d", p.Size)
	add(p.Unit != "", "unit: %s", word(p.Unit))
	return keys
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

var plainWord = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./-]*$`)

// word is a text as YAML has it: in quotes where without them it would be something else.
func word(text string) string {
	if v, err := config.ParseValue(text); err == nil && v == text && plainWord.MatchString(text) {
		return text
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a text can be encoded
	return strings.TrimSpace(b.String())
}

// comment writes a field as a comment, with its default.
func comment(line func(format string, args ...any), f schema.Field) {
	value := " " + f.Default()
	switch {
	case f.IsAuto():
		value = " auto"
	case value == " none":
		value = ""
	case f.Value.Kind() == reflect.Slice:
		value = " " + strings.ReplaceAll(f.Default(), " ", ", ")
	}
	line("  # %s:%s   # %s", f.Key, value, f.Doc)
}

// python is a model for the draft to begin with, in Python: it has its best where every parameter has the value of the middle.
func (d *draft) python() string {
	var distance strings.Builder
	for _, e := range d.program.Parameters {
		value := fmt.Sprintf("params[%s]", strconv.Quote(e.Key))
		wrap := "%s"
		if e.Value.Size > 0 {
			wrap, value = "sum(%s for x in "+value+")", "x"
		}
		var term string
		switch p := e.Value; {
		case len(p.Choices) > 0:
			choice, _ := json.Marshal(p.Choices[0]) // a text or a number
			term = fmt.Sprintf("(%s != %s)", value, pythonic(string(choice)))
		case p.Type == "bool":
			term = fmt.Sprintf("(not %s)", value)
		default:
			middle := (*p.Lower + *p.Upper) / 2
			if p.Scale == "log" {
				middle = math.Sqrt(*p.Lower) * math.Sqrt(*p.Upper)
			}
			term = fmt.Sprintf("(%s / %s - 1) ** 2", value, strconv.FormatFloat(middle, 'g', 3, 64))
			if middle == 0 {
				term = value + " ** 2"
			}
		}
		fmt.Fprintf(&distance, "    distance += "+wrap+"\n", term)
	}
	var results []string
	for _, e := range d.program.Config.Objectives {
		sign := ""
		if e.Value.Direction == "maximise" {
			sign = "-"
		}
		results = append(results, fmt.Sprintf("%s: %sdistance", strconv.Quote(e.Key), sign))
	}
	return fmt.Sprintf(`# Wants, once: %s
from l2l_optimizee import serve

# Imports and what is set up here is done once, not for each evaluation.


def evaluate(params, seed, instance):
    distance = 0.0  # your model instead
%s    return {%s}


if __name__ == "__main__":
    serve(evaluate)
`, child.Install, distance.String(), strings.Join(results, ", "))
}

// pythonic is a value of JSON as Python has it.
func pythonic(text string) string {
	switch text {
	case "true":
		return "True"
	case "false":
		return "False"
	}
	return text
}
