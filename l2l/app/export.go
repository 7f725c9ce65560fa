package app

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/crate"
	"github.com/meta-optimization/l2l-mpi/l2l/report/export"
)

// crateFormat is the format that is no table.
const crateFormat = "ro-crate"

// exportOptions are the flags of export.
type exportOptions struct {
	table, format, vectors, output string
	columns                        []string
	since                          int
}

func exportCommand(kinds config.Kinds) *cobra.Command {
	var o exportOptions
	var tables, formats, stores [][2]string
	for _, t := range report.Tables() {
		tables = append(tables, [2]string{t.Name, t.Doc})
	}
	for _, f := range export.Formats() {
		formats = append(formats, [2]string{f.Name, f.Doc})
	}
	for _, store := range export.Stores() {
		stores = append(stores, [2]string{store.Name, store.Doc})
	}
	stores = append(stores, [2]string{crateFormat, "the run's metadata for archives, RO-Crate 1.1, for RUN/" + crate.Name})
	cmd := &cobra.Command{
		Use:   "export RUN",
		Short: "Write a table of a run, finished or not, for another program: its evaluations, or another",
		Long: "Writes a table of a run, finished or not:\n\n" + inColumns(tables) + "\nin the format that the file's name ends in, or that --format names:\n\n" +
			inColumns(formats) + "\nParquet and Arrow files have types, and units, directions of objectives and the configuration as metadata. Numbers have all their\n" +
			"digits; a reason is its first line. Or it writes the whole run, with --format:\n\n" + inColumns(stores) +
			"\nA later MLflow wants MLFLOW_ALLOW_FILE_STORE=true for such a directory, or takes it over by mlflow migrate-filestore.",
		Example: "  l2l-mpi export RUN -o evaluations.parquet\n  l2l-mpi export RUN --table generations --since 10\n" +
			"  l2l-mpi export RUN --format mlflow -o mlruns",
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, store := range export.Stores() {
				if store.Name == o.format {
					return o.fill(store, cmd, args[0], kinds)
				}
			}
			return o.run(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], kinds)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.format, "format", "", "one of those above; without it the one that the file's name ends in, or csv")
	flags.StringVar(&o.table, "table", "evaluations", "one of those above")
	flags.StringSliceVar(&o.columns, "columns", nil, "these columns alone, in this order: `a,b`; a vector's name stands for all its elements")
	flags.IntVar(&o.since, "since", 0, "only rows of this `generation` and later ones")
	flags.StringVar(&o.vectors, "vectors", "", "list or split: one column for a vector, or one for each element; without it split in csv, and list elsewhere")
	flags.StringVarP(&o.output, "out", "o", "", "the file to write, or the directory; without it the standard output")
	flags.StringVar(&o.output, "output", "", "the same as --out")
	_ = flags.MarkHidden("output") // its name in earlier versions; the flag exists
	return cmd
}

// inColumns are names with what they are, a line each.
func inColumns(rows [][2]string) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(t, "  %s\t%s\n", row[0], row[1])
	}
	_ = t.Flush() // a Builder takes everything
	return b.String()
}

// fill writes the whole run to a directory.
func (o exportOptions) fill(store export.Store, cmd *cobra.Command, dir string, kinds config.Kinds) error {
	if o.output == "" {
		return usage(fmt.Errorf("--format %s: want --out, a directory", store.Name))
	}
	for _, of := range []string{"table", "columns", "since", "vectors"} {
		if cmd.Flags().Changed(of) {
			return usage(fmt.Errorf("--%s: it is of tables, and --format %s is of the whole run", of, store.Name))
		}
	}
	r, err := open(dir, kinds)
	if err != nil {
		return err
	}
	if err := store.Write(r, o.output); err != nil {
		return failure{exitFailed, err}
	}
	return nil
}

// run writes the table.
func (o exportOptions) run(stdout, stderr io.Writer, dir string, kinds config.Kinds) error {
	if o.format == crateFormat {
		return exportCrate(dir, o.output, stdout)
	}
	format, err := o.formatOf()
	if err != nil {
		return usage(err)
	}
	if ending := strings.ToLower(filepath.Ext(o.output)); o.format == "" && ending != "" && !slices.Contains(format.Ends, ending) {
		fmt.Fprintf(stderr, "%s is written as %s: no format ends in %s; see --format\n", o.output, format.Name, ending)
	}
	kind, err := tableOf(o.table)
	if err != nil {
		return usage(err)
	}
	lists := o.vectors == "list" || o.vectors == "" && format.Lists
	switch {
	case !slices.Contains([]string{"", "list", "split"}, o.vectors):
		return usage(fmt.Errorf("--vectors %s: want list or split", o.vectors))
	case o.since < 0:
		return usage(fmt.Errorf("--since %d: want a generation, 0 or more", o.since))
	}
	r, err := open(dir, kinds)
	if err != nil {
		return err
	}
	t, err := r.Table(kind)
	if err != nil {
		return failure{exitFailed, err}
	}
	t = t.Since(o.since)
	if lists {
		t = t.Lists()
	}
	if o.columns != nil {
		if t, err = t.Select(o.columns); err != nil {
			return usage(fmt.Errorf("--columns: %w", err))
		}
	}
	err = writeTo(o.output, stdout, func(w io.Writer) error { return format.Write(w, t, export.MetadataOf(r, kind.Name)) })
	if err != nil {
		return failure{exitFailed, err}
	}
	return nil
}

// formatOf is the format that is asked for, or that the file's name says.
func (o exportOptions) formatOf() (export.Format, error) {
	formats := export.Formats()
	ending := strings.ToLower(filepath.Ext(o.output))
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
		if f.Name == o.format || o.format == "" && slices.Contains(f.Ends, ending) {
			return f, nil
		}
	}
	if o.format == "" {
		return formats[0], nil // whatever the name, as in earlier versions
	}
	for _, store := range export.Stores() {
		names = append(names, store.Name)
	}
	return export.Format{}, fmt.Errorf("--format %s: want %s", o.format, strings.Join(append(names, crateFormat), ", "))
}

// tableOf is the kind of table of a name.
func tableOf(name string) (report.TableKind, error) {
	if name == "trajectory" { // what earlier versions called it
		name = "evaluations"
	}
	var names []string
	for _, k := range report.Tables() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return report.TableKind{}, fmt.Errorf("--table %s: want %s", name, strings.Join(names, ", "))
}

// exportCrate writes the metadata of a run for archives.
func exportCrate(dir, output string, stdout io.Writer) error {
	err := writeTo(output, stdout, func(w io.Writer) error { return crate.Write(dir, w) })
	if errors.Is(err, report.ErrNoRun) {
		return usage(err)
	}
	if err != nil {
		return failure{exitFailed, err}
	}
	return nil
}
