package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func ctlCommand() *cobra.Command {
	var after string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "ctl RUN pause | resume | stop | set key.path=value... | inject FILE",
		Short: "Tell a run that goes on what to do: from any host that sees its directory",
		Long: "Tells a run that goes on what to do, from any host that sees its directory, and waits for its answer.\n\n" +
			"pause    evaluates to the end what has begun, and begins nothing else\n" +
			"resume   ends a pause\n" +
			"stop     ends the run in order: at once, or with --after generation when that is completed; --resume goes on\n" +
			"set      changes timeouts, execution.max_failures and stop rules\n" +
			"inject   evaluates individuals of a YAML file beside the search, as warm_start.individuals and best write them; parameters that an\n" +
			"         individual does not name are in the middle of their ranges\n\n" +
			"Each is written to the journal, none changes what is searched, and each but inject holds until its session ends: a run that is\n" +
			"resumed is not paused, and has what its configuration says. Individuals that are injected have numbers from " + fmt.Sprint(int64(l2l.FirstInjected)) + "\n" +
			"on. One of them may be the answer, their evaluations count for stop.evaluations, and no optimizer is told of them. A run that was told to\n" +
			"stop ends with exit code " + fmt.Sprint(exitStopped) + ", on which job scripts do not go on with it.",
		Example: "  l2l-mpi ctl runs/fit/001 pause\n" +
			"  l2l-mpi ctl runs/fit/001 stop --after generation\n" +
			"  l2l-mpi ctl runs/fit/001 set execution.timeout=20m stop.generations=200\n" +
			"  l2l-mpi best runs/fit/002 > best.yaml && l2l-mpi ctl runs/fit/001 inject best.yaml",
		Args: operands(2, -1),
		ValidArgsFunction: beginning(func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return runs(cmd, args, typed)
			case 1:
				return run.Orders(), cobra.ShellCompDirectiveNoFileComp
			case 2:
				if args[1] == run.OrderInject {
					return yamlFiles(cmd, args, typed)
				}
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
			case o.Order == run.OrderInject && len(o.Args) != 1:
				return usage(errors.New("inject: want one file with individuals"))
			case o.Order == run.OrderInject:
				text, err := os.ReadFile(o.Args[0])
				if err != nil {
					return usage(fmt.Errorf("inject: %w", err))
				}
				o.Args[0] = string(text)
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
