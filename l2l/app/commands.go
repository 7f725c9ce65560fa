package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func checkCommand(kinds config.Kinds) *cobra.Command {
	var file, replay string
	var set []string
	var resume bool
	var slots, ranks int
	cmd := &cobra.Command{
		Use:   "check --config run.yaml | --replay RUN",
		Short: "Check a configuration and show it with every default; or prove that a run's journal is what its optimizer does",
		Long: "Checks a configuration, with all that a run would refuse before it starts a program: the optimizee's own checks and the optimizer's, what it\n" +
			"begins with, the directory. Shows it with every default, and, on the standard error, about what the run takes. With --replay it proves, of a\n" +
			"run, that its optimizer makes of the recorded results what the journal says, individual by individual, and tells the hash by which two such\n" +
			"runs can be compared. It says nothing of the model, which is not run: that another evaluation would have the same result.",
		Args: operands(0, 0),
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
			text, err := p.Effective()
			if err == nil {
				_, err = cmd.OutOrStdout().Write(text)
			}
			if err != nil {
				return failure{exitFailed, err}
			}
			about := cmd.ErrOrStderr()
			fmt.Fprintln(about) // what follows is seen last on a terminal, and does not belong to the file
			for _, remark := range p.Remarks() {
				fmt.Fprintln(about, remark)
			}
			const patience = 15 * time.Second // of who reads it
			return usage(tellEstimate(about, p, slots, ranks, patience))
		},
	}
	addConfigFlags(cmd, &file, &set)
	cmd.Flags().StringVar(&replay, "replay", "", "the directory of a run")
	cmd.Flags().IntVar(&slots, "slots", 0, "with --config: tell how many of so many slots, of all ranks together, would be idle; without it, of those of a run on this machine")
	cmd.Flags().IntVar(&ranks, "ranks", 0, "with --config: the same of so many ranks, each of execution.slots, or of its share of a machine like this one")
	cmd.MarkFlagsMutuallyExclusive("slots", "ranks")
	cmd.Flags().BoolVar(&resume, "resume", false, "with --config: check it for a run with --resume, which may go on with one that is there")
	return cmd
}

// prove replays the journal in dir, and tells what that has shown.
func prove(w io.Writer, dir string, kinds config.Kinds) error {
	if !journal.Exists(dir) {
		return usage(fmt.Errorf("%s %w", dir, report.ErrNoRun))
	}
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
	_, err = fmt.Fprintf(w, "%d events, %d evaluations, %d generations: %s\nthe results are as recorded; the model was not run: l2l-mpi eval --config … --run %s does that\n"+
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
			fmt.Sprintf("The exit code is %d for a run that is finished, %d for one that failed, %d for one that is running, %d for one that was\n"+
				"interrupted, reached its wall time or crashed, and is to be resumed, and %d for one that l2l-mpi ctl has stopped.",
				exitOK, exitFailed, exitRunning, exitInterrupted, exitStopped),
		Args: operands(1, 1),
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
			return stands(s)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&count, "evaluations", false, "only the number of evaluations that have ended, 0 where there is no run; the exit code is 0, too")
	cmd.MarkFlagsMutuallyExclusive("json", "evaluations")
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
