package app

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func initCommand(kinds config.Kinds) *cobra.Command {
	var out string
	var parameters, objectives []string
	d := newDraft()
	writeModel := false
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a configuration to begin with: asks for what it needs, or takes it from flags",
		Long: "Writes a configuration that passes check, with comments on what else there is. Without flags it asks, and shows what it would take. A\n" +
			"file that is there is not overwritten; where the input ends early, nothing is written.\n\n" + draftHelp,
		Example: "  l2l-mpi init\n" +
			"  l2l-mpi init --command \"python3 model.py\" --parameter \"g=0.1..10 log nS\" --objective error=minimise --evaluations 2000 --model",
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			asks := true
			for _, answer := range []string{"name", "seed", "optimizee", "command", "parameter", "objective", "optimizer", "evaluations", "model"} {
				asks = asks && !cmd.Flags().Changed(answer)
			}
			d.kinds, d.path = kinds, out
			if out == "-" {
				d.path = "run.yaml"
			} else if err := vacant(out); err != nil {
				return usage(err)
			}
			var err error
			if asks {
				q := &questions{in: bufio.NewReader(cmd.InOrStdin()), out: cmd.ErrOrStderr()}
				writeModel, err = d.ask(q)
				fmt.Fprintln(q.out) // between questions and answer
			} else {
				err = d.take(parameters, objectives)
			}
			if err != nil {
				return usage(err)
			}
			return d.write(cmd.OutOrStdout(), out, writeModel)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "run.yaml", "the file to write; - is the standard output")
	f.StringVar(&d.name, "name", d.name, "of the run")
	f.Uint64Var(&d.seed, "seed", d.seed, "where all randomness starts")
	f.StringVar(&d.model, "optimizee", d.model, "what is evaluated: process, any program, or another that describe knows")
	f.StringVar(&d.command, "command", "", "how the program is started, such as \"python3 model.py\"")
	f.StringArrayVar(&parameters, "parameter", nil, "what is searched, such as \"g=0.1..10 log nS\"; may be repeated")
	f.StringArrayVar(&objectives, "objective", nil, "what the program returns, such as error=minimise; may be repeated")
	f.StringVar(&d.search, "optimizer", "", "what searches; without it the one that suits the parameters, objectives and evaluations")
	f.Int64Var(&d.evaluations, "evaluations", d.evaluations, "of all individuals together, after which the run ends; 0 is no end")
	f.BoolVar(&writeModel, "model", false, "where the program is a Python script that is not there, write one to begin with")
	return cmd
}

const draftHelp = "A parameter is NAME=LOWER..UPPER, with the words log (for a range over orders of magnitude), int, and a unit, or NAME=choice|choice;\n" +
	"NAME[300]=… is a vector. An objective is NAME=minimise or NAME=maximise, with a unit."

// vacant returns an error if there is a file of that name, or anything else.
func vacant(file string) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already, and is not overwritten; choose another by --out", file)
	}
	return nil
}

// write writes the configuration, and the model where one is wanted, once the configuration has passed the check.
func (d *draft) write(stdout io.Writer, out string, writeModel bool) error {
	text, err := d.checked()
	if err != nil {
		return usage(err)
	}
	script, hasScript := d.script()
	if writeModel && !hasScript {
		return usage(fmt.Errorf("--model: the command is %q, want one that starts a Python script which is not there yet", d.command))
	}
	if out == "-" {
		if _, err := stdout.Write(text); err != nil {
			return failure{exitFailed, err}
		}
	} else {
		if err := writeNew(out, text); err != nil {
			return failure{exitFailed, err}
		}
		fmt.Fprintf(stdout, "%s is written: %s, searched by %s\n", out, d.model, d.search)
	}
	if writeModel {
		if err := writeNew(script, []byte(d.python())); err != nil {
			return failure{exitFailed, err}
		}
	}
	if out == "-" {
		return nil
	}
	if writeModel {
		fmt.Fprintf(stdout, "%s is written, for you to fill in\n", script)
	} else if hasScript {
		fmt.Fprintf(stdout, "%s is not there yet\n", script)
	}
	_, err = fmt.Fprintf(stdout, "next: l2l-mpi eval --config %s evaluates one individual, l2l-mpi --config %[1]s runs it\n", out)
	return err
}

// writeNew writes a file that is not there yet.
func writeNew(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// take takes what the flags say.
func (d *draft) take(parameters, objectives []string) error {
	if _, err := d.kindOfModel(d.model); err != nil {
		return fmt.Errorf("--optimizee %w", err)
	}
	if d.model != anyProgram {
		if d.command != "" || len(parameters) > 0 || len(objectives) > 0 {
			return fmt.Errorf("--optimizee %s has its own parameters and objectives; --command, --parameter and --objective are for %s", d.model, anyProgram)
		}
	} else {
		if d.command == "" || len(parameters) == 0 || len(objectives) == 0 {
			return errors.New("init: want --command, --parameter and --objective, each at least once; without any flags it asks")
		}
		if err := d.setCommand(d.command); err != nil {
			return fmt.Errorf("--command %w", err)
		}
		for _, text := range parameters {
			if err := d.addParameter(text); err != nil {
				return fmt.Errorf("--parameter %w", err)
			}
		}
		for _, text := range objectives {
			if err := d.addObjective(text); err != nil {
				return fmt.Errorf("--objective %w", err)
			}
		}
	}
	if d.evaluations < 0 {
		return fmt.Errorf("--evaluations %d: want 0 or more", d.evaluations)
	}
	if d.search == "" {
		var err error
		d.search, err = d.suited()
		return err
	}
	return d.setOptimizer(d.search)
}

// questions are asked, and answered, line by line: on any terminal, and by a script.
type questions struct {
	in  *bufio.Reader
	out io.Writer
}

// ask asks until the answer can be taken. An empty one is what is shown.
func (q *questions) ask(question, shown string, take func(answer string) error) error {
	for {
		fmt.Fprint(q.out, question)
		if shown != "" {
			fmt.Fprintf(q.out, " [%s]", shown)
		}
		fmt.Fprint(q.out, ": ")
		line, err := q.in.ReadString('\n')
		if err != nil {
			fmt.Fprintln(q.out)
			if err == io.EOF {
				err = errors.New("init: the input has ended before all was asked; nothing is written")
			}
			return err
		}
		if err = take(cmp.Or(strings.TrimSpace(line), shown)); err == nil {
			return nil
		}
		fmt.Fprintf(q.out, "  %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
}

// ask asks for what the draft needs. The last question is whether to write a model, where that can be.
func (d *draft) ask(q *questions) (writeModel bool, err error) {
	var others []string
	for _, o := range d.kinds.Optimizees {
		if o.Name != anyProgram {
			others = append(others, o.Name)
		}
	}
	err = q.ask("What is evaluated: a program ("+anyProgram+"), or one of "+strings.Join(others, ", "), d.model, func(answer string) error {
		_, err := d.kindOfModel(answer)
		d.model = answer
		return err
	})
	if err == nil && d.model == anyProgram {
		err = d.askProgram(q)
	}
	if err != nil {
		return false, err
	}
	err = q.ask("Evaluations in all", strconv.FormatInt(d.evaluations, 10), func(answer string) (err error) {
		if d.evaluations, err = strconv.ParseInt(answer, 10, 64); err != nil || d.evaluations < 0 {
			return fmt.Errorf("%q, want a number, or 0 for no end", answer)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	suited, err := d.suited()
	if err != nil {
		return false, err
	}
	if err = q.ask("What searches: an optimizer that l2l-mpi describe lists", suited, d.setOptimizer); err != nil {
		return false, err
	}
	if script, ok := d.script(); ok {
		err = q.ask(script+" is not there. Write one to begin with: yes, or no", "yes", func(answer string) error {
			writeModel = answer == "yes" || answer == "y"
			if !writeModel && answer != "no" && answer != "n" {
				return fmt.Errorf("%q, want yes or no", answer)
			}
			return nil
		})
	}
	return writeModel, err
}

// askProgram asks what the program is, what is searched, and what it returns.
func (d *draft) askProgram(q *questions) error {
	if err := q.ask("How the program is started", "python3 model.py", d.setCommand); err != nil {
		return err
	}
	fmt.Fprintln(q.out, "What is searched: g=0.1..10 log nS, with a lower and an upper bound, log for a range over orders of magnitude, and a unit;\n"+
		"or n=1..8 int; rule=stdp|bcm; a vector w[300]=-20..20")
	for done := false; !done; {
		question := "A parameter"
		if len(d.program.Parameters) > 0 {
			question = "Another one; an empty line ends them"
		}
		err := q.ask(question, "", func(answer string) error {
			if done = answer == "" && len(d.program.Parameters) > 0; done {
				return nil
			}
			return d.addParameter(answer)
		})
		if err != nil {
			return err
		}
	}
	return q.ask("What it returns, and which is better; several separated by commas", "error=minimise", func(answer string) error {
		d.program.Config.Objectives = nil
		for text := range strings.SplitSeq(answer, ",") {
			if err := d.addObjective(strings.TrimSpace(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

// checked is the configuration's text, which a run would take.
func (d *draft) checked() ([]byte, error) {
	text := []byte(d.yaml())
	p, err := config.LoadText(d.path, text, nil, d.kinds)
	if err == nil {
		err = run.Check(p)
	}
	return text, err
}

// suited is the optimizer that one would begin with, as whereToBegin tells.
func (d *draft) suited() (string, error) {
	trial := *d
	trial.search = "random" // it takes everything
	p, err := config.LoadText(d.path, []byte(trial.yaml()), nil, d.kinds)
	if err != nil {
		return "", err
	}
	discrete, few := 0, int64(200)
	coords := p.Space.Coordinates()
	for _, c := range coords {
		if c.Kind != 0 {
			discrete++
		}
	}
	switch {
	case len(p.Objectives) > 1:
		return "nsga2", nil
	case 2*discrete > len(coords):
		return "genetic", nil
	case d.evaluations > 0 && d.evaluations <= few && len(coords) <= 20:
		return "bayes", nil
	}
	return "cmaes", nil
}

// setOptimizer takes an optimizer that suits what is searched.
func (d *draft) setOptimizer(name string) error {
	var names []string
	for _, a := range d.kinds.Optimizers {
		names = append(names, a.Name)
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("unknown optimizer %q%s", name, config.DidYouMean(name, names))
	}
	trial := *d
	trial.search = name
	p, err := config.LoadText(d.path, []byte(trial.yaml()), nil, d.kinds)
	if err != nil {
		return firstLine(err)
	}
	d.search = p.Optimizer.Name
	return nil
}

// firstLine is an error without the place in a file that is not there yet.
func firstLine(err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if _, after, ok := strings.Cut(line, ": "); ok {
		line = after
	}
	return errors.New(line)
}

// script is the Python script that the command starts, if it is not there.
func (d *draft) script() (file string, ok bool) {
	if d.model != anyProgram {
		return "", false
	}
	for _, word := range strings.Fields(d.command)[1:] {
		if strings.HasSuffix(word, ".py") {
			if !filepath.IsAbs(word) {
				word = filepath.Join(filepath.Dir(d.path), word)
			}
			_, err := os.Stat(word)
			return word, errors.Is(err, fs.ErrNotExist)
		}
	}
	return "", false
}
