package app

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

func listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [DIR]",
		Short: "List the runs below a directory, a line each",
		Long: "Lists the runs below a directory, without one below the working directory, a line each: how it stands, how far it has come, the best fitness\n" +
			"as it was told, and how long ago something was last written.\n\n" +
			fmt.Sprintf("The exit code is %d, and %d where a run cannot be read; its line says why.", exitOK, exitFailed),
		Args: operands(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := "."
			if len(args) > 0 {
				root = args[0]
			}
			dirs, err := runsBelow(root)
			if err != nil {
				return usage(err)
			}
			all, unread := make([]listed, len(dirs)), 0
			for i, dir := range dirs {
				all[i].Status, err = report.ReadStatus(dir)
				if err != nil {
					all[i].Error = err.Error()
					unread++
				}
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			} else {
				err = writeList(cmd.OutOrStdout(), all)
			}
			switch {
			case err != nil:
				return failure{exitFailed, err}
			case len(all) == 0 && !asJSON:
				fmt.Fprintf(cmd.ErrOrStderr(), "no run below %s\n", root)
			case unread > 0:
				return failure{exitFailed, errSaid}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON: a list of what status --json says of each, with error where one cannot be read")
	return cmd
}

// listed is a run in a list.
type listed struct {
	report.Status
	Error string `json:"error,omitempty"`
}

// runsBelow are the directories of the runs in root and below it, in order. Within a run none is looked for.
func runsBelow(root string) (dirs []string, err error) {
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path != root: // it may not be read, or is gone
			return nil
		case err != nil || !d.IsDir():
			return err
		case journal.Exists(path):
			dirs = append(dirs, path)
			return fs.SkipDir
		}
		return nil
	})
	return dirs, err
}

// writeList writes the runs as a table for people.
func writeList(w io.Writer, all []listed) error {
	if len(all) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "run\tstate\tgenerations\tevaluations\tfailed\tlast event\tfound")
	for _, l := range all {
		if l.Error != "" {
			fmt.Fprintf(t, "%s\tunreadable\t\t\t\t\t%s\n", l.Dir, l.Error)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s ago\t%s\n", l.Dir, l.State, l.Generations, l.Evaluations, l.Failures, l.Ago(), l.BestText())
	}
	return t.Flush()
}
