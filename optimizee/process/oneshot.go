package process

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// The ways in which a oneshot program gets its parameters, and the files of two of them.
const (
	passArguments   = "arguments"
	passEnvironment = "environment"
	passJSON        = "json"
	passCSV         = "csv"

	paramsJSON = "params.json"
	paramsCSV  = "params.csv"
)

// placeholder is a {name} in a word of a command. {{name}} stands for {name}, and ${name} is the shell's.
var placeholder = regexp.MustCompile(strings.ReplaceAll(`\$\{name\}|\{\{name\}\}|\{name\}`, "name", "[A-Za-z_][A-Za-z0-9_]*"))

// builtin are the placeholders that are no parameters and no constants.
var builtin = []string{"seed", "seed31", "instance", "dir", "params"}

// openOneshot checks the configuration of a oneshot program.
func (p *Process) openOneshot() error {
	var err error
	if p.capture, err = newCapture(p.Fitness, p.objectives); err != nil {
		return err
	}
	if p.Outputs > 0 && (p.Fitness.JSON == "" || p.Fitness.Key != "") {
		return wrongf("outputs", "of a oneshot program they come with its fitness: want fitness: {json: FILE}, without a key")
	}
	known := slices.Clone(builtin)
	for _, q := range p.space {
		if slices.Contains(builtin, q.Name) {
			return schema.At(fmt.Errorf("the name means something else in a command: %s", strings.Join(builtin, ", ")), "parameters", q.Name)
		}
		known = append(known, q.Name)
	}
	for name := range p.Constants {
		if slices.Contains(known, name) {
			return schema.At(errors.New("the name means something else in a command already"), "constants", name)
		}
		known = append(known, name)
	}
	p.named = map[string]bool{}
	for _, w := range p.Command {
		for _, match := range placeholder.FindAllString(w, -1) {
			name := strings.Trim(match, "{}")
			switch {
			case strings.HasPrefix(match, "$"), strings.HasPrefix(match, "{{"):
			case !slices.Contains(known, name):
				return wrongf("command", "%s: no such parameter or constant; known are also %s; a brace that is meant is written {{%s}}",
					match, strings.Join(builtin, ", "), name)
			case name == "params" && p.Pass != passJSON && p.Pass != passCSV:
				return wrongf("command", "{params}: there is no file with parameters, want pass: %s or pass: %s", passJSON, passCSV)
			default:
				p.named[name] = true
			}
		}
	}
	if p.files = p.Files; p.files == nil && len(p.Command) > 1 && p.has(p.Command[1]) {
		p.files = p.Command[1:2]
	}
	for _, f := range p.files {
		if !p.has(f) {
			return wrongf("files", "%q, want a file or directory within dir", f)
		}
	}
	return nil
}

// has reports whether there is a file or directory of that name within Dir.
func (p *Process) has(name string) bool {
	_, err := os.Stat(filepath.Join(p.Dir, name))
	return err == nil && filepath.IsLocal(name) && filepath.Clean(name) != "."
}

// once starts the program for one evaluation.
func (p *Process) once(ctx context.Context, e optimizee.Evaluation) (out optimizee.Outcome, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	dir := e.Dir
	if dir == "" { // the run offers none
		if dir, err = os.MkdirTemp("", "l2l-"); err != nil {
			return out, err
		}
		defer os.RemoveAll(dir)
	}
	began := time.Now()
	values := p.values(e, dir)
	env, err := p.hand(e, dir, values)
	if err != nil {
		return out, err
	}
	c := p.command(p.argv(values), dir)
	c.Env = append(c.Env, env...)
	handed := time.Now()
	program, err := p.guardian.Start(c)
	if err != nil {
		return out, err
	}
	started := time.Now()
	var ended time.Time
	select {
	case <-program.Ended():
		ended = time.Now()
	case <-ctx.Done():
		program.End(p.Grace)
		err = ctx.Err()
	}
	if err == nil && !program.Succeeded() {
		err = fmt.Errorf("the program ended (%s)", program.Status())
	}
	over := err != nil
	if err == nil {
		if out, err = p.capture.outcome(dir, program.Printed(), p.MessageLimit); err == nil {
			p.took(optimizee.StartUp, started.Sub(handed))
			p.took(optimizee.Computed, ended.Sub(started))
			p.took(optimizee.Transfer, handed.Sub(began)+time.Since(ended))
			return out, nil
		}
	}
	return optimizee.Outcome{}, errors.Join(program.Explained(err, over), program.WriteLogs(dir))
}

// values are the texts of the placeholders.
func (p *Process) values(e optimizee.Evaluation, dir string) map[string]string {
	values := map[string]string{
		"seed": strconv.FormatUint(e.Seed, 10), "seed31": strconv.FormatUint(e.Seed>>33, 10), "instance": strconv.Itoa(e.Instance), "dir": dir,
		"params": filepath.Join(dir, paramsJSON),
	}
	if p.Pass == passCSV {
		values["params"] = filepath.Join(dir, paramsCSV)
	}
	for name, v := range p.Constants {
		values[name] = strings.Join(optimizee.Elements(v), ",")
	}
	for _, v := range e.All() {
		values[v.Name] = v.Text()
	}
	return values
}

// argv is the command of an evaluation.
func (p *Process) argv(values map[string]string) []string {
	argv := make([]string, 0, len(p.Command))
	for _, w := range p.Command {
		argv = append(argv, placeholder.ReplaceAllStringFunc(w, func(match string) string {
			switch {
			case strings.HasPrefix(match, "$"):
				return match
			case strings.HasPrefix(match, "{{"):
				return match[1 : len(match)-1]
			}
			return values[strings.Trim(match, "{}")]
		}))
	}
	if p.Pass == passArguments {
		for _, q := range p.space {
			if !p.named[q.Name] {
				argv = append(argv, "--"+q.Name+"="+values[q.Name])
			}
		}
	}
	return argv
}

// hand puts into the program's directory what it is to find there, and returns what it is to find in its environment.
func (p *Process) hand(e optimizee.Evaluation, dir string, values map[string]string) (env []string, err error) {
	for _, f := range p.files {
		link := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(link), 0o777); err != nil {
			return nil, err
		}
		target, err := filepath.Abs(filepath.Join(p.Dir, f))
		if err == nil {
			err = os.Symlink(target, link)
		}
		if err != nil {
			return nil, err
		}
	}
	env = []string{"L2L_SEED=" + values["seed"], "L2L_INSTANCE=" + values["instance"]}
	switch p.Pass {
	case passEnvironment:
		for _, q := range p.space {
			env = append(env, "L2L_PARAM_"+q.Name+"="+values[q.Name])
		}
	case passJSON:
		message := newEvaluation(e)
		message.Constants = p.Constants
		b, err := json.MarshalIndent(message, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("the parameters cannot be written as JSON: %w", err)
		}
		return env, os.WriteFile(values["params"], append(b, '\n'), 0o666)
	case passCSV:
		var row []string
		for _, v := range e.All() {
			row = append(row, optimizee.Elements(v.Value)...)
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.WriteAll([][]string{p.space.Labels(), row}); err != nil {
			return nil, err
		}
		return env, os.WriteFile(values["params"], b.Bytes(), 0o666)
	}
	return env, nil
}
