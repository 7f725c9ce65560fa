package main

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// reference.csv holds published and measured figures: function, what, target, dimension, aRT, trials that reached the target. Where they
// come from is said in its comments.
//
//go:embed reference.csv
var referenceCSV string

// figure is a row of reference.csv.
type figure struct {
	function int
	what     string
	dim      int
	text     string
}

// references are the figures of a function.
func references(function int) []figure {
	r := csv.NewReader(strings.NewReader(referenceCSV))
	r.Comment = '#'
	records, err := r.ReadAll()
	if err != nil {
		panic("quality: reference.csv: " + err.Error())
	}
	var figures []figure
	for _, rec := range records[1:] {
		f, err1 := strconv.Atoi(rec[0])
		dim, err2 := strconv.Atoi(rec[3])
		if err1 != nil || err2 != nil {
			panic(fmt.Sprintf("quality: reference.csv: %v", rec))
		}
		if f == function {
			text := rec[4]
			if rec[5] != "15/15" && rec[5] != "" {
				text += " (" + rec[5] + ")"
			}
			figures = append(figures, figure{f, rec[1] + ", to " + rec[2], dim, text})
		}
	}
	return figures
}

// print writes a table for each function.
func (p *plan) print(w io.Writer, all []trial) {
	for _, f := range p.functions {
		fmt.Fprintf(w, "bbob_f%d: evaluations to %g (aRT)\n", f, p.target)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		row := func(name string, cell func(dim int) string) {
			fmt.Fprintf(t, "%s\t", name)
			for _, d := range p.dims {
				fmt.Fprintf(t, "%s\t", cell(d))
			}
			fmt.Fprintln(t)
		}
		row("", func(d int) string { return fmt.Sprintf("%d-D", d) })
		for _, a := range p.algorithms {
			row(a, func(d int) string { return art(all, trial{Algorithm: a, Function: f, Dim: d}) })
		}
		published := references(f)
		var names []string
		for _, r := range published {
			if !slices.Contains(names, r.what) {
				names = append(names, r.what)
			}
		}
		for _, name := range names {
			row(name, func(d int) string {
				at := slices.IndexFunc(published, func(r figure) bool { return r.what == name && r.dim == d })
				if at < 0 {
					return ""
				}
				return published[at].text
			})
		}
		t.Flush()
		fmt.Fprintln(w)
	}
}

// art is the average running time of the trials like the given one, and how many of them reached the target.
func art(all []trial, like trial) string {
	evaluations, solved, count := 0, 0, 0
	for _, t := range all {
		if t.Algorithm == like.Algorithm && t.Function == like.Function && t.Dim == like.Dim {
			evaluations += t.Evaluations
			count++
			if t.Solved {
				solved++
			}
		}
	}
	if solved == 0 {
		return fmt.Sprintf("- (0/%d)", count)
	}
	return fmt.Sprintf("%d (%d/%d)", evaluations/solved, solved, count)
}
