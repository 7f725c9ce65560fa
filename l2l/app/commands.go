package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func checkCommand(kinds config.Kinds) *cobra.Command {
	var file, replay string
	var set []string
	var resume bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and show it with every default; or prove that a run's journal is what its optimizer does",
		Long: "Checks a configuration, with all that a run would refuse before it starts a program: the optimizee's own checks and the optimizer's, what it\n" +
			"begins with, the directory. Shows it with every default. With --replay it proves, of a run, that its optimizer makes of the recorded results\n" +
			"what the journal says, individual by individual, and tells the hash by which two such runs can be compared. It says nothing of the model,\n" +
			"which is not run: that another evaluation would have the same result.",
		Args: cobra.NoArgs,
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
			var options []run.Option
			if resume {
				options = append(options, run.Resume())
			}
			if err := run.Check(p, options...); err != nil {
				return usage(err)
			}
			for _, remark := range p.Remarks() {
				fmt.Fprintln(cmd.ErrOrStderr(), remark)
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
	cmd.Flags().BoolVar(&resume, "resume", false, "with --config: check it for a run with --resume, which may go on with one that is there")
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
	shown := "all as the optimizer does: every proposal follows from the results before it"
	if s.Recalls() {
		shown = "the journal is whole and was told to the optimizer, another program; its proposals are taken as recorded"
	}
	_, err = fmt.Fprintf(w, "%d events, %d evaluations, %d generations: %s\nthe results are as recorded; the model was not run: l2l-mpi eval --run %s does that\n"+
		"trajectory hash %s\n", proof.Events, s.Evaluations(), s.Status().Generation, shown, dir, s.TrajectoryHash())
	for _, lane := range s.Lanes() { // of a search of several lanes, whose whole depends on who finished first
		if err == nil {
			_, err = fmt.Fprintf(w, "lane %d: %d individuals, hash %s\n", lane.Number, lane.Individuals, lane.Hash)
		}
	}
	return err
}

func statusCommand() *cobra.Command {
	var asJSON, count bool
	cmd := &cobra.Command{
		Use:   "status RUN",
		Short: "Tell how a run stands, by its exit code as well",
		Long: "Tells how a run stands, as its journal has it: right after any kill, whatever exit code a launcher made of the program's.\n\n" +
			fmt.Sprintf("The exit code is %d for a run that is finished, %d for one that failed, %d for one that is running, and %d for one that was\n"+
				"interrupted, reached its wall time or crashed, and is to be resumed.", exitOK, exitFailed, exitRunning, exitInterrupted),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := report.ReadStatus(args[0])
			if count {
				if err != nil && !errors.Is(err, report.ErrNoRun) {
					return ofRun(err)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), s.Evaluations)
				return ofRun(err)
			}
			if err != nil {
				return ofRun(err)
			}
			line := s.String()
			if asJSON {
				b, err := json.Marshal(s)
				if err != nil {
					return failure{exitFailed, err}
				}
				line = string(b)
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
				return failure{exitFailed, err}
			}
			switch {
			case s.Resumable:
				return failure{exitInterrupted, errSaid}
			case s.State == report.Running:
				return failure{exitRunning, errSaid}
			case s.State == report.Failed:
				return failure{exitFailed, errSaid}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&count, "evaluations", false, "only the number of evaluations that have ended, 0 where there is no run; the exit code is 0, too")
	cmd.MarkFlagsMutuallyExclusive("json", "evaluations")
	return cmd
}

func exportCommand(kinds config.Kinds) *cobra.Command {
	var format, output, table string
	tables := report.Tables()
	names := make([]string, len(tables))
	usages := make([]string, len(tables))
	for i, t := range tables {
		names[i], usages[i] = t.Name, t.Name+" ("+t.Doc+")"
	}
	cmd := &cobra.Command{
		Use:   "export RUN",
		Short: "Write a table of a run, finished or not: its trajectory, one row per evaluation, or another",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "csv" {
				return usage(fmt.Errorf("--format %s: want csv", format))
			}
			at := slices.Index(names, table)
			if at < 0 {
				return usage(fmt.Errorf("--table %s: want %s", table, strings.Join(names, ", ")))
			}
			r, err := open(args[0], kinds)
			if err != nil {
				return err
			}
			t, err := r.Table(tables[at])
			if err == nil {
				err = writeTo(output, cmd.OutOrStdout(), t.WriteCSV)
			}
			if err != nil {
				return failure{exitFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "csv", "csv")
	cmd.Flags().StringVar(&table, "table", "trajectory", strings.Join(usages, "; "))
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write; without it the standard output")
	return cmd
}

// writeTo has something written to a file, or, where none is named, to the standard output.
func writeTo(file string, stdout io.Writer, write func(io.Writer) error) error {
	if file == "" {
		return write(stdout)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// open opens the run in a directory.
func open(dir string, kinds config.Kinds) (*report.Run, error) {
	r, err := report.Open(dir, kinds.Search)
	return r, ofRun(err)
}

// ofRun is an error of reading a run with the exit code that it means.
func ofRun(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, report.ErrNoRun):
		return usage(err)
	}
	return failure{exitFailed, err}
}
