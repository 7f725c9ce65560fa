package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func bestCommand(kinds config.Kinds) *cobra.Command {
	var n int
	var form string
	cmd := &cobra.Command{
		Use:   "best RUN",
		Short: "Print the answer of a run, finished or not, or its best individuals, for the next run or for a simulation",
		Long: "Prints the answer of a run, finished or not: of a noisy one what was evaluated anew. With --n there follow the best individuals as they were\n" +
			"told; of a run with several objectives, the members of its front. Numbers have all their digits.\n\n" +
			"As yaml they are what warm_start.individuals takes; as json they have their fitness; as args they are arguments, --name=value, a line each;\n" +
			"as env they are lines that a shell reads, name=value. Elements of a vector are separated by commas there.",
		Example: "  l2l-mpi best runs/fit/001\n  python3 simulate.py $(l2l-mpi best runs/fit/001 --as args)",
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write := map[string]func(io.Writer, []chosen) error{"yaml": chosenYAML, "json": chosenJSON, "args": chosenArgs, "env": chosenEnv}[form]
			switch {
			case n < 1:
				return usage(fmt.Errorf("--n %d: want 1 or more", n))
			case write == nil:
				return usage(fmt.Errorf("--as %s: want yaml, json, args or env", form))
			case n > 1 && form == "env":
				return usage(errors.New("--as env: want --n 1, as each name can have one value"))
			}
			r, err := open(args[0], kinds)
			if err != nil {
				return err
			}
			all, err := choose(r, n)
			if err == nil {
				err = write(cmd.OutOrStdout(), all)
			}
			if err != nil {
				return failure{exitFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&n, "n", 1, "how many")
	cmd.Flags().StringVar(&form, "as", "yaml", "yaml, json, args or env")
	return cmd
}

// chosen is a point of a run that is worth using.
type chosen struct {
	what       string // for people
	individual *int64 // nil for a point that was recommended and not told
	fitness    []float64
	values     []optimizee.Value
	objectives []optimizee.Objective
}

// choose returns the answer of a run and the best individuals besides, or those of its front, n in all if there are so many.
func choose(r *report.Run, n int) (all []chosen, err error) {
	begun := r.Begun
	add := func(what string, id *int64, x, fitness []float64) error {
		params, err := begun.Space.Decode(x)
		if err != nil {
			return err
		}
		all = append(all, chosen{what, id, fitness, params.All(), begun.Rules.Objectives})
		return nil
	}
	var others []report.Individual
	if begun.Rules.Sum {
		answer, err := r.Answer()
		if err != nil {
			return nil, err
		}
		what := report.UntoldText(l2l.Origin(answer.From))
		if answer.Individual != nil {
			what = fmt.Sprintf("individual %d", *answer.Individual)
		}
		if err := add(what+": "+answer.Why, answer.Individual, answer.X, answer.Fitness(begun.Rules.Objectives)); err != nil {
			return nil, err
		}
		if n > 1 {
			others, err = r.Top(n)
		}
		if err != nil {
			return nil, err
		}
	} else {
		best, err := r.Best()
		if err != nil {
			return nil, err
		}
		front, err := r.Front()
		if err != nil {
			return nil, err
		}
		others = append([]report.Individual{best}, front...)
	}
	for _, i := range others {
		known := slices.ContainsFunc(all, func(c chosen) bool { return c.individual != nil && *c.individual == i.ID })
		if len(all) < n && !known {
			if err := add(fmt.Sprintf("individual %d", i.ID), &i.ID, i.X, i.Fitness); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func chosenYAML(w io.Writer, all []chosen) error {
	list := yaml.Node{Kind: yaml.SequenceNode}
	for _, c := range all {
		m := &yaml.Node{Kind: yaml.MappingNode, HeadComment: "# " + c.what}
		if c.fitness != nil {
			m.HeadComment += "; " + report.FitnessText(c.objectives, c.fitness)
		}
		for _, v := range c.values {
			name, value := &yaml.Node{}, &yaml.Node{}
			if err := errors.Join(name.Encode(v.Name), value.Encode(v.Value)); err != nil {
				return err
			}
			if value.Kind == yaml.SequenceNode {
				value.Style = yaml.FlowStyle
			}
			m.Content = append(m.Content, name, value)
		}
		list.Content = append(list.Content, m)
	}
	b, err := yaml.Marshal(&list)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

func chosenJSON(w io.Writer, all []chosen) error {
	type point struct {
		Individual *int64             `json:"individual"` // null for one that was recommended and not told
		What       string             `json:"what"`       // for people
		Fitness    map[string]float64 `json:"fitness"`    // as well as it is known; null where it is not
		Parameters codec.Section      `json:"parameters"`
	}
	points := make([]point, len(all))
	for k, c := range all {
		points[k] = point{c.individual, c.what, nil, codec.Section{}}
		for i, v := range c.fitness {
			if points[k].Fitness == nil {
				points[k].Fitness = map[string]float64{}
			}
			points[k].Fitness[c.objectives[i].Name] = v
		}
		for _, v := range c.values {
			points[k].Parameters[v.Name] = v.Value
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(points)
}

func chosenArgs(w io.Writer, all []chosen) error {
	for _, c := range all {
		words := make([]string, len(c.values))
		for i, v := range c.values {
			words[i] = shellWord("--" + v.Name + "=" + v.Text())
		}
		if _, err := fmt.Fprintln(w, strings.Join(words, " ")); err != nil {
			return err
		}
	}
	return nil
}

// variable matches the names that a shell takes for variables.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func chosenEnv(w io.Writer, all []chosen) error {
	for _, c := range all {
		for _, v := range c.values {
			if !variable.MatchString(v.Name) {
				return fmt.Errorf("--as env: the parameter %s cannot be the name of a variable: want letters, digits and _", v.Name)
			}
			if _, err := fmt.Fprintf(w, "%s=%s\n", v.Name, shellWord(v.Text())); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain matches what a shell takes as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord is a text as one word of a shell.
func shellWord(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
