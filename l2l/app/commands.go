package app

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func checkCommand(kinds config.Kinds) *cobra.Command {
	var file, replay string
	var set []string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and show it with every default; or prove that a run's journal is what its optimizer does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case (file == "") == (replay == ""):
				return usage(errors.New("check: want either --config run.yaml or --replay RUN"))
			case replay != "":
				return prove(cmd.OutOrStdout(), replay, kinds)
			}
			p, err := config.Load(file, set, kinds)
			if err != nil {
				return usage(err)
			}
			text, err := p.Effective()
			if err != nil {
				return failure{exitFailed, err}
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	addConfigFlags(cmd, &file, &set)
	cmd.Flags().StringVar(&replay, "replay", "", "the directory of a run")
	return cmd
}

// prove replays the journal in dir, and tells what that has shown.
func prove(w io.Writer, dir string, kinds config.Kinds) error {
	proof, err := run.Prove(dir, kinds)
	if proof.Torn != nil {
		fmt.Fprintf(w, "%v; a resume will cut it off\n", proof.Torn)
	}
	if err != nil {
		return coded(err)
	}
	s := proof.Search
	shown := "all as the optimizer does"
	if s.Recalls() {
		shown = "the journal is whole and was told to the optimizer, another program; its proposals are taken as recorded"
	}
	_, err = fmt.Fprintf(w, "%d events, %d evaluations, %d generations: %s\ntrajectory hash %s\n",
		proof.Events, s.Evaluations(), s.Status().Generation, shown, s.TrajectoryHash())
	return err
}

func exportCommand() *cobra.Command {
	var format, output, table string
	cmd := &cobra.Command{
		Use:   "export RUN",
		Short: "Write the trajectory of a run, finished or not: one row per evaluation; or the posterior of one that is finished",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if format != "csv" {
				return usage(fmt.Errorf("--format %s: want csv", format))
			}
			if table != "trajectory" && table != "posterior" {
				return usage(fmt.Errorf("--table %s: want trajectory or posterior", table))
			}
			if !journal.Exists(args[0]) {
				return usage(fmt.Errorf("%s holds no run", args[0]))
			}
			w := cmd.OutOrStdout()
			if output != "" {
				f, err := os.Create(output)
				if err != nil {
					return failure{exitFailed, err}
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				w = f
			}
			write := report.CSV
			if table == "posterior" {
				write = report.PosteriorCSV
			}
			if err := write(w, args[0]); err != nil {
				return failure{exitFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "csv", "csv")
	cmd.Flags().StringVar(&table, "table", "trajectory", "trajectory; or posterior: the individuals of the posterior sample with their weights")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write; without it the standard output")
	return cmd
}
