package app

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/l2l/report/page"
	"github.com/meta-optimization/l2l-mpi/l2l/report/plot"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func reportCommand(kinds config.Kinds) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "report RUN...",
		Short: "Write a page about a run, finished or not, or about several side by side: one HTML file that needs no network",
		Long: "Writes a page about a run, finished or not: one HTML file that needs no network.\n\n" +
			"Of several runs of one problem it writes a comparison. Runs that differ by their seeds alone are pooled.",
		Args: operands(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := document(args, kinds)
			if err != nil {
				return err
			}
			if err := writeTo(output, cmd.OutOrStdout(), doc.Write); err != nil {
				return failure{exitFailed, err}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d figures\n", output, doc.Figures())
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "out", "o", "report.html", "the file to write")
	return cmd
}

// document is the report of the runs in some directories.
func document(dirs []string, kinds config.Kinds) (page.Document, error) {
	runs, err := gather(dirs, kinds)
	if err != nil {
		return page.Document{}, err
	}
	if len(runs) > 1 {
		doc, err := page.Compare(runs, run.Version())
		return doc, usage(err)
	}
	status, err := report.ReadStatus(dirs[0])
	if err != nil {
		return page.Document{}, ofRun(err)
	}
	doc, err := page.Run(runs[0], status, run.Version())
	if err != nil {
		return doc, failure{exitFailed, err}
	}
	return doc, nil
}

func plotCommand(kinds config.Kinds) *cobra.Command {
	var name, output string
	var width float64
	var names, ofSeveral []string
	for _, k := range figure.Kinds() {
		names = append(names, k.Name)
	}
	for _, k := range figure.ComparisonKinds() {
		ofSeveral = append(ofSeveral, k.Name)
	}
	cmd := &cobra.Command{
		Use:   "plot RUN... --figure NAME",
		Short: "Write a figure of a run, finished or not, or of several side by side, for print: SVG, PNG or PDF",
		Long: "Writes a figure of a run, finished or not, or of several side by side, for print: one column of a journal wide, as SVG, PNG or PDF.\n\n" +
			"Figures of a run:\n" + inLines(names) + "\nFigures of several runs:\n" + inLines(ofSeveral),
		Example: "  l2l-mpi plot RUN --figure convergence --out fig.pdf\n" +
			"  l2l-mpi plot RUN RUN RUN --figure compare-convergence --out fig.pdf",
		Args: operands(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			known := names
			if len(args) > 1 {
				known = ofSeveral
			}
			if !slices.Contains(known, name) {
				return usage(fmt.Errorf("--figure %s: want, of %s, %s", cmp.Or(name, `""`), numberOf(args), strings.Join(known, ", ")))
			}
			file := cmp.Or(output, name+".svg")
			format := strings.ToLower(strings.TrimPrefix(filepath.Ext(file), "."))
			if !slices.Contains(plot.Formats(), format) {
				return usage(fmt.Errorf("--out %s: want a name that ends in .%s", file, strings.Join(plot.Formats(), ", .")))
			}
			f, err := oneFigure(name, args, kinds)
			if err != nil {
				return err
			}
			if f == nil {
				return failure{exitFailed, fmt.Errorf("%s: there is nothing for the figure %s", strings.Join(args, ", "), name)}
			}
			if err := writeTo(file, cmd.OutOrStdout(), func(w io.Writer) error { return plot.Write(w, f, format, width) }); err != nil {
				return failure{exitFailed, err}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", file, f.Caption)
			return err
		},
	}
	cmd.Flags().StringVarP(&name, "figure", "f", "", "one of those above")
	cmd.Flags().StringVarP(&output, "out", "o", "", "the file to write, which ends in .svg, .png or .pdf; without it NAME.svg")
	cmd.Flags().Float64Var(&width, "width", plot.Column, "in millimetres, 30 to 1000; one column of a journal is 85")
	return cmd
}

// inLines are words, several in a line.
func inLines(words []string) string {
	var b strings.Builder
	paragraph(&b, "  ", strings.Join(words, ", "))
	return b.String()
}

func numberOf(runs []string) string {
	if len(runs) > 1 {
		return "several runs"
	}
	return "one run"
}

// oneFigure is the figure of that name of a run, or of several; nil where they have nothing for it.
func oneFigure(name string, dirs []string, kinds config.Kinds) (*figure.Figure, error) {
	runs, err := gather(dirs, kinds)
	if err != nil {
		return nil, err
	}
	if len(runs) > 1 {
		c, err := figure.Compare(runs, figure.Groups(runs))
		if err != nil {
			return nil, usage(err)
		}
		for _, k := range figure.ComparisonKinds() {
			if k.Name == name {
				return k.Make(c), nil
			}
		}
	}
	for _, k := range figure.Kinds() {
		if k.Name == name {
			return k.Make(runs[0]), nil
		}
	}
	return nil, nil
}

// gather reads runs for their figures.
func gather(dirs []string, kinds config.Kinds) ([]*figure.Data, error) {
	var runs []*figure.Data
	for _, dir := range dirs {
		r, err := open(dir, kinds)
		if err != nil {
			return nil, err
		}
		d, err := figure.Gather(r)
		if err != nil {
			return nil, failure{exitFailed, err}
		}
		runs = append(runs, d)
	}
	return runs, nil
}
