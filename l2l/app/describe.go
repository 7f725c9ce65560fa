package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func describeCommand(kinds config.Kinds) *cobra.Command {
	var asSchema bool
	cmd := &cobra.Command{
		Use:   "describe [NAME …]",
		Short: "Describe the optimizers and optimizees: parameters, defaults, ranges, references",
		Long: "Describes the optimizers and optimizees, and the keys of a configuration: parameters, defaults, ranges, references.\n\n" +
			"With --schema it writes the same as a JSON Schema, by which editors complete and check a configuration that begins with the line\n" +
			"# yaml-language-server: $schema=l2l-mpi.schema.json\nand so for campaigns.",
		Example: "  l2l-mpi describe cmaes\n  l2l-mpi describe --schema > l2l-mpi.schema.json\n  l2l-mpi describe campaign --schema > campaign.schema.json",
		RunE: func(cmd *cobra.Command, names []string) error {
			w := cmd.OutOrStdout()
			switch {
			case asSchema:
				schema := kinds.JSONSchema
				if len(names) == 1 && names[0] == "campaign" {
					schema = kinds.CampaignSchema
				} else if len(names) > 0 {
					return usage(errors.New("describe: want --schema alone, which is of all of a configuration, or campaign --schema"))
				}
				text, err := schema()
				if err == nil {
					_, err = w.Write(text)
				}
				if err != nil {
					return failure{exitFailed, err}
				}
				return nil
			case len(names) == 0:
				return list(w, kinds)
			}
			for i, name := range names {
				if i > 0 {
					fmt.Fprintln(w)
				}
				if err := describe(w, name, kinds); err != nil {
					return usage(err)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asSchema, "schema", false, "write a JSON Schema of configurations, or of campaigns, for editors")
	return cmd
}

func list(w io.Writer, kinds config.Kinds) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "optimizers")
	for _, a := range kinds.Optimizers {
		fmt.Fprintf(t, "  %s\t%s\n", a.Name, a.Title)
	}
	fmt.Fprintln(t, "optimizees")
	for _, o := range kinds.Optimizees {
		fmt.Fprintf(t, "  %s\t%s\n", o.Name, o.Title)
	}
	fmt.Fprintf(t, "configuration\n  run\tthe keys of a configuration besides those two sections; one by its name: %s\n", strings.Join(sections(), ", "))
	fmt.Fprintf(t, "  campaign\tthe keys of a file of several runs\n")
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\ndescribe NAME tells all about one of them, and when to choose it. "+whereToBegin)
	return err
}

const whereToBegin = "Where to begin: cmaes; with several objectives nsga2,\n" +
	"with few and long evaluations bayes, with model outputs and their targets enkf, with mostly choices and whole numbers genetic."

// describe tells all about what has a name: an optimizer, an optimizee or both.
func describe(w io.Writer, name string, kinds config.Kinds) error {
	known, found := []string{"run", "campaign"}, 0
	begin := func(title string) {
		if found++; found > 1 {
			fmt.Fprintln(w)
		}
		if title != "" {
			title = ": " + title
		}
		fmt.Fprintf(w, "%s%s\n", name, title)
	}
	section := func(write func(io.Writer)) { // after an empty line, if there is anything in it
		var text bytes.Buffer
		if write(&text); text.Len() > 0 {
			fmt.Fprintf(w, "\n%s", &text)
		}
	}
	for _, a := range kinds.Optimizers {
		known = append(known, a.Name)
		if a.Name != name {
			continue
		}
		begin(a.Title)
		section(func(w io.Writer) {
			for _, fact := range [][2]string{
				{"Choose it", a.When}, {"Cost per generation", a.Cost}, {"Parallelism", a.Parallelism}, {"Noise", a.Noise}, {"Reference", a.Reference},
				{"Quorum", quorumOf(a)},
			} {
				if fact[1] != "" {
					paragraph(w, "", fact[0]+": "+fact[1]+".")
				}
			}
		})
		section(func(w io.Writer) { describeRows(w, "", a.Params()) })
	}
	for _, o := range kinds.Optimizees {
		known = append(known, o.Name)
		if o.Name != name {
			continue
		}
		begin(o.Title)
		section(func(w io.Writer) {
			paragraph(w, "", o.Doc)
			if o.Reference != "" {
				paragraph(w, "", "Reference: "+o.Reference)
			}
		})
		section(func(w io.Writer) { describeRows(w, "", o.New()) })
	}
	c := config.Defaults()
	switch name {
	case "run":
		describeRows(w, "", &c)
		return nil
	case "campaign":
		describeRows(w, "", &config.Campaign{})
		return nil
	}
	if f, ok := fieldAt(&c, name); ok {
		prefix := strings.TrimSuffix(name, f.Key)
		if len(schema.Fields(f.Value.Interface())) == 0 { // its text is beside its key
			found++
			describeField(w, prefix, f)
		} else {
			begin(f.Doc)
			section(func(w io.Writer) { describeField(w, prefix, f) })
		}
	}
	known = append(known, sections()...)
	if found == 0 {
		if near := config.Nearest(name, known); near != "" {
			return fmt.Errorf("nothing is called %q; did you mean %s?", name, near)
		}
		return fmt.Errorf("nothing is called %q; l2l-mpi describe lists all that is", name)
	}
	return nil
}

// quorumOf is what an optimizer makes of execution.quorum; "" where it heeds none.
func quorumOf(a optimizer.Algorithm) string {
	if !a.Quorum {
		return ""
	}
	return "with execution.quorum below 1 it goes on before the last results of a generation are in, and learns from these with the next one; with auto, " +
		"runs side by side do so where results come in late, and each is the same everywhere where none does"
}

// sections are the keys of a configuration besides those of the optimizee and the optimizer.
func sections() []string {
	var keys []string
	c := config.Defaults()
	for _, f := range schema.Fields(&c) {
		keys = append(keys, f.Key)
	}
	return keys
}

// fieldAt is the field at a path of keys joined by dots.
func fieldAt(v any, path string) (schema.Field, bool) {
	key, rest, deeper := strings.Cut(path, ".")
	for _, f := range schema.Fields(v) {
		if f.Key == key && deeper {
			return fieldAt(f.Value.Interface(), rest)
		}
		if f.Key == key {
			return f, true
		}
	}
	return schema.Field{}, false
}

// describeRows tells of each parameter what it is, what it may be, and what it is by default.
func describeRows(w io.Writer, prefix string, v any) {
	for _, f := range schema.Fields(v) {
		describeField(w, prefix, f)
	}
}

func describeField(w io.Writer, prefix string, f schema.Field) {
	inner := schema.Fields(f.Value.Interface())
	if len(inner) > 0 && f.Auto == "" {
		describeRows(w, prefix+f.Key+".", f.Value.Interface())
		return
	}
	free := ""
	if f.Free {
		free = "; may change when the run is resumed"
	}
	fmt.Fprintf(w, "%s  (%s; default %s%s)\n", prefix+f.Key, allowed(f), f.Default(), free)
	paragraph(w, "    ", f.Doc)
	if len(inner) > 0 {
		describeRows(w, prefix+f.Key+".", f.Value.Interface())
	}
	if m, ok := f.Value.Interface().(schema.Mapping); ok {
		describeRows(w, prefix+f.Key+".NAME.", m.New())
	}
}

// allowed tells what a parameter may be.
func allowed(f schema.Field) string {
	kind := f.Type()
	if words := schema.Words(f.Range); words != nil {
		kind = strings.Join(words, " or ")
	} else if f.Range != "" {
		kind += " in " + f.Range
	}
	if f.Unit != "" {
		kind += " " + f.Unit
	}
	return kind
}

// paragraph writes text in lines of at most 100 characters, each indented.
func paragraph(w io.Writer, indent, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	line := indent
	for _, word := range strings.Fields(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 100 {
			fmt.Fprintln(w, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}
