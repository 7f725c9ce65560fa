// Command noise measures what the answer of a noisy search is worth: how often its stated interval holds its true value, and that value beside what
// pycma and the cmaes package, with learning rates adapted to noise, recommend after as many evaluations.
//
//	go run ./bench/noise -runs 100 -peers 20 -python .venv/bin/python
//
// Three kinds of noise on four functions of ten variables, or -dim, whose optimum lies elsewhere in each run, and a pendulum that is to be swung up from
// unseen starts. Without -python the peers are left out. The python must have the packages cma and cmaes.
package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
)

//go:embed peers.py
var peers string

func main() {
	log.SetFlags(0)
	runs := flag.Int("runs", 100, "runs of each cell, of which the coverage is")
	compared := flag.Int("peers", 20, "runs of each cell that are compared with the peers, the first ones")
	first := flag.Int("first", 0, "the first run: others have other seeds, and their optima elsewhere")
	flag.IntVar(&dim, "dim", dim, "coordinates of the functions")
	python := flag.String("python", "", "a Python with cma and cmaes")
	evaluations := flag.Int64("evaluations", 6000, "evaluations of a run on a function")
	adapt := flag.Bool("adapt_rates", false, "whether cmaes adapts its learning rates to the noise")
	only := flag.String("only", "", "cells whose name has this")
	flag.Parse()
	fmt.Printf("go run ./bench/noise %s\n%s, %s/%s, %s\n\n", strings.Join(os.Args[1:], " "), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		time.Now().Format(time.DateOnly))
	fmt.Printf("%-30s %12s %12s %12s %12s %12s %12s %9s\n", "median true value of", "answer", "mean", "best told", "reported", "pycma", "lr_adapt", "coverage")
	wins, of := 0, 0
	for i, c := range cells(*evaluations) {
		c.seed = uint64(1000 * i)
		if !strings.Contains(c.name, *only) {
			continue
		}
		var answers, means, told, reported []float64
		inside := 0
		for run := *first; run < *first+*runs; run++ {
			s, mean, err := search(c, run, *adapt)
			if err != nil {
				log.Fatal(err)
			}
			value := c.true(s.Answer.X, run)
			if s.Answer.Anew.Low[0] <= value && value <= s.Answer.Anew.High[0] {
				inside++
			}
			if run < *first+*compared {
				answers, means = append(answers, value), append(means, c.true(mean, run))
				told, reported = append(told, c.true(s.Best.Individual.X, run)), append(reported, s.Best.Fitness[0])
			}
		}
		line := fmt.Sprintf("%-30s %12.4g %12.4g %12.4g %12.4g", c.name, median(answers), median(means), median(told), median(reported))
		theirs, err := others(*python, c, *first, *compared)
		if err != nil {
			log.Fatal(err)
		}
		if theirs == nil {
			line += fmt.Sprintf(" %12s %12s", "", "")
		} else {
			of++
			if median(answers) <= min(theirs[0], theirs[1]) {
				wins++
				line += fmt.Sprintf(" %12.4g %12.4g", theirs[0], theirs[1])
			} else {
				line += fmt.Sprintf(" %11.4g* %11.4g*", theirs[0], theirs[1])
			}
		}
		fmt.Printf("%s %5d/%d\n", line, inside, *runs)
	}
	if of > 0 {
		fmt.Printf("\nthe answer's median is at most that of both peers in %d of %d cells (* not in this one)\n", wins, of)
	}
}

// search runs a cell once. mean is the mean of the distribution at the end of the search.
func search(c cell, run int, adapt bool) (s l2l.Summary, mean []float64, err error) {
	par := cmaes.Defaults()
	par.AdaptRates = adapt
	problem := c.problem
	problem.Noisy = true
	o, err := cmaes.New(problem, par, uint64(run)+1)
	if err != nil {
		return s, nil, err
	}
	rules := l2l.Rules{Seed: c.seed + uint64(run) + 1, Objectives: []optimizee.Objective{{Name: "loss", Direction: optimizee.Minimise}}}
	rules.Replicates, rules.Stochastic, rules.Finalists = c.replicates, true, l2l.Finalists{Count: 6, Fitted: true}
	loop := l2l.Loop{
		Search: l2l.NewSearch(o, rules), Evaluator: &evaluator{cell: c, run: run}, Stop: l2l.Stop{Evaluations: c.evaluations},
	}
	s, err = loop.Run(context.Background())
	return s, optimizer.Recommended(o)[0], err
}

// evaluator evaluates a cell at once.
type evaluator struct {
	cell
	run  int
	done []l2l.Result
}

func (e *evaluator) Capacity() int { return 1 }

func (e *evaluator) Submit(es []l2l.Evaluation) error {
	for _, v := range es {
		e.done = append(e.done, l2l.Result{
			Individual: v.Individual, Instance: v.Instance, Replicate: v.Replicate, Attempt: v.Attempt, Fitness: codec.Vector{e.noisy(v.X, e.run, v.Seed)},
		})
	}
	return nil
}

func (e *evaluator) Next(context.Context) ([]l2l.Result, error) {
	done := e.done
	e.done = nil
	return done, nil
}

// others are the medians, over runs, of the true values of what the peers recommend; nil without a Python.
func others(python string, c cell, first, runs int) ([]float64, error) {
	if python == "" {
		return nil, nil
	}
	name := strings.SplitN(c.name, " ", 2)
	at := slices.IndexFunc(noises, func(n struct {
		name     string
		add, rel float64
	}) bool {
		return n.name == name[len(name)-1]
	})
	if at < 0 {
		return nil, nil // the peers know the functions alone
	}
	cmd := exec.Command(python, "-c", peers, name[0], fmt.Sprint(noises[at].add), fmt.Sprint(noises[at].rel), fmt.Sprint(c.evaluations), fmt.Sprint(runs),
		fmt.Sprint(dim), fmt.Sprint(first))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("peers of %s: %w", c.name, err)
	}
	var values [][]float64 // by peer
	if err := json.Unmarshal(out.Bytes(), &values); err != nil {
		return nil, err
	}
	return []float64{median(values[0]), median(values[1])}, nil
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	v := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
