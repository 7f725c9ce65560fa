package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func ctlCommand() *cobra.Command {
	var after string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "ctl RUN pause | resume | stop | set key.path=value...",
		Short: "Tell a run that goes on what to do: from any host that sees its directory",
		Long: "Tells a run that goes on what to do, from any host that sees its directory, and waits for its answer.\n\n" +
			"pause    evaluates to the end what has begun, and begins nothing else\n" +
			"resume   ends a pause\n" +
			"stop     ends the run in order: at once, or with --after generation when that is completed; --resume goes on\n" +
			"set      changes timeouts, execution.max_failures and stop rules\n\n" +
			"Each is written to the journal, none changes what is searched, and each holds until its session ends: a run that is resumed is\n" +
			"not paused, and has what its configuration says. A run that was told to stop ends with exit code " + fmt.Sprint(exitStopped) + ", on which job\n" +
			"scripts do not go on with it.",
		Example: "  l2l-mpi ctl runs/fit/001 pause\n" +
			"  l2l-mpi ctl runs/fit/001 stop --after generation\n" +
			"  l2l-mpi ctl runs/fit/001 set execution.timeout=20m stop.generations=200",
		Args: operands(2, -1),
		ValidArgsFunction: beginning(func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return runs(cmd, args, typed)
			case 1:
				return run.Orders(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := run.Order{Order: args[1], Args: args[2:], By: whoever()}
			switch {
			case after != "" && o.Order != run.OrderStop:
				return usage(fmt.Errorf("--after %s: %s takes none, want stop", after, o.Order))
			case after != "" && after != "generation":
				return usage(fmt.Errorf("--after %s: want generation", after))
			case after != "":
				o.Args = append(o.Args, run.StopAfter)
			}
			if err := o.Check(); err != nil {
				return usage(err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			answer, err := run.Tell(ctx, args[0], o)
			switch {
			case errors.Is(err, report.ErrNoRun):
				return usage(err)
			case err != nil:
				return coded(err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), answer)
			return err
		},
	}
	cmd.Flags().StringVar(&after, "after", "", "of stop: generation")
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long to wait for the answer; network file systems may show an order late")
	return cmd
}

// whoever is who gives an order, and where.
func whoever() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
