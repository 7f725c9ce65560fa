package app

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func (s *session) rerunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "rerun RUN",
		Short: "Run the same again in another directory: the same configuration, with every default, and the same seed",
		Long: "Runs the same again in another directory: the configuration of the run's last session, with every default as it was, and its\n" +
			"seed. It tells what is not as it was: files of the model and of its data, the commit, versions. --set changes what may change when\n" +
			"a run is resumed, such as slots, timeouts and when to stop; what would be another search is refused, and is another run:\n" +
			"l2l-mpi --config RUN/run.yaml.",
		Example: "  l2l-mpi rerun runs/fit/001\n" +
			"  mpirun -n 4 l2l-mpi rerun runs/fit/001 --out again --set execution.slots=8",
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.again = args[0]
			return s.run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.out, "out", "o", "", "the directory to run in; without it a new one, runs/<name>/<number>")
	flags.StringArrayVar(&o.set, "set", nil, "change a value that does not change the search: `key.path=value`; may be repeated")
	addShowFlags(cmd, &o)
	return cmd
}

// sameAgain is the plan of a run that is started again. What is not as it was is written to w.
func (o runOptions) sameAgain(kinds config.Kinds, w io.Writer) (*config.Plan, error) {
	again, err := run.Again(o.again, o.out, o.set, kinds)
	if err != nil {
		return nil, err
	}
	for _, d := range again.Differences {
		if _, err := fmt.Fprintf(w, "not as in %s: %s\n", o.again, d); err != nil {
			return nil, errors.Join(errors.New("rerun"), err)
		}
	}
	return again.Plan, nil
}
