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
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func testCommand(kinds config.Kinds) *cobra.Command {
	var set []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test RUN",
		Short: "Have the model test what a run has found, by its own test: on data that the search was not shown, say",
		Long: "Has the model test what a run has found, finished or not: its answer, or its front. The test is the model's own; of a program it is what\n" +
			"optimizee.test of its configuration starts. What it prints is shown, and its numbers are kept in test.json in the run's directory, and are\n" +
			"in its report.",
		Example: "  l2l-mpi test runs/fit/001\n  l2l-mpi test runs/fit/001 --set 'optimizee.test=[python3, test.py]'",
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := open(args[0], kinds)
			if err != nil {
				return err
			}
			plan, _, err := run.PlanOf(args[0], set, kinds)
			if err != nil {
				return usage(err)
			}
			found, x, what, err := r.Found()
			if err != nil {
				return failure{exitFailed, err}
			}
			fmt.Fprintf(os.Stderr, "the test of %s: %s\n", args[0], what)
			w := cmd.OutOrStdout()
			tested := report.Tested{Version: run.Version(), X: x}
			if found.Individual >= 0 {
				tested.Individual = &found.Individual
			}
			shown := w
			if asJSON {
				shown = os.Stderr
			}
			ctx, stop := interruptible(cmd.Context(), os.Exit)
			defer stop()
			tested.Scores, err = run.Test(ctx, plan, found, shown, os.Stderr)
			switch {
			case errors.Is(err, optimizee.ErrNoTest):
				return usage(fmt.Errorf("%s: its model has no test; that of a program is what optimizee.test starts", args[0]))
			case err != nil:
				return failure{exitFailed, err}
			}
			tested.At = time.Now().UTC().Format(time.RFC3339)
			return keepTest(w, args[0], tested, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "change a value that may change when the run is resumed: `key.path=value`; may be repeated")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the numbers as JSON, and what the test prints on the standard error")
	return cmd
}

// keepTest shows the numbers of a test, and keeps them.
func keepTest(w io.Writer, dir string, tested report.Tested, asJSON bool) error {
	if len(tested.Scores) == 0 {
		return nil
	}
	show := report.WriteScores
	if asJSON {
		show = func(w io.Writer, scores optimizee.Scores) error { return json.NewEncoder(w).Encode(scores) }
	}
	err := show(w, tested.Scores)
	if err == nil {
		err = tested.Write(dir)
	}
	if err != nil {
		return failure{exitFailed, err}
	}
	return nil
}
