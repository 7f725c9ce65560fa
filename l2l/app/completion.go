package app

import (
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// completer offers what a user of a shell may type next, each as "word\twhat it is".
type completer = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// complete has a shell complete the words of all commands: what a flag may be goes by its name, and RUN is the directory of a run.
func (s *session) complete(root *cobra.Command) {
	var tables, figures []string
	for _, t := range report.Tables() {
		tables = append(tables, t.Name+"\t"+t.Doc)
	}
	for _, k := range figure.Kinds() {
		figures = append(figures, k.Name)
	}
	flags := map[string]completer{
		"config": yamlFiles, "set": s.assignments, "param": s.parameters, "run": runs, "replay": runs,
		"optimizer": words(s.optimizers()...), "optimizee": words(s.optimizees()...), "table": words(tables...), "figure": words(figures...),
		"log-level": words("debug", "info", "warn", "error"),
	}
	for _, cmd := range append(root.Commands(), root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if c := flags[f.Name]; c != nil && f.Value.Type() != "bool" {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, beginning(c)) // the flag is there, and has none yet
			}
		})
		if cmd.ValidArgsFunction != nil {
			continue
		}
		switch _, operands, _ := strings.Cut(cmd.Use, " "); {
		case strings.HasPrefix(operands, "RUN"):
			cmd.ValidArgsFunction = beginning(runs)
		case cmd.Name() == "describe":
			cmd.ValidArgsFunction = beginning(s.described)
		case cmd.Name() == "campaign":
			cmd.ValidArgsFunction = yamlFiles
		default:
			cmd.ValidArgsFunction = words()
		}
	}
}

// beginning is c with only those words that begin as what was typed.
func beginning(c completer) completer {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		all, directive := c(cmd, args, typed)
		if directive&cobra.ShellCompDirectiveFilterFileExt == 0 {
			all = slices.DeleteFunc(slices.Clone(all), func(w string) bool { return !strings.HasPrefix(w, typed) })
		}
		return all, directive
	}
}

// words offers some words.
func words(all ...string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

func yamlFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// runs offers the directories of runs that begin as what was typed, or lie some levels below, and other directories where there are none.
func runs(_ *cobra.Command, _ []string, typed string) (found []string, _ cobra.ShellCompDirective) {
	const levels, most = 3, 200
	root := filepath.Dir(typed + "x")
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error { // what cannot be read is not offered
		depth := strings.Count(strings.TrimPrefix(path, root), string(filepath.Separator))
		switch {
		case err != nil:
			return fs.SkipDir
		case !d.IsDir() || path == root:
			return nil
		case len(found) == most:
			return fs.SkipAll
		case depth > levels, strings.HasPrefix(d.Name(), "."), !strings.HasPrefix(path, typed) && !strings.HasPrefix(typed, path):
			return fs.SkipDir
		case journal.Exists(path):
			if strings.HasPrefix(path, typed) {
				found = append(found, path)
			}
			return fs.SkipDir
		}
		return nil
	})
	if len(found) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func (s *session) optimizers() (all []string) {
	for _, a := range s.kinds.Optimizers {
		all = append(all, a.Name+"\t"+a.Title)
	}
	return all
}

func (s *session) optimizees() (all []string) {
	for _, o := range s.kinds.Optimizees {
		all = append(all, o.Name+"\t"+o.Title)
	}
	return all
}

// described offers all that describe knows by name.
func (s *session) described(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	c := config.Defaults()
	all := slices.Concat(s.optimizers(), s.optimizees(), []string{"run\tall keys of a configuration", "campaign\tall keys of a file of several runs"})
	for _, k := range keysOf("", &c) {
		all = append(all, k.path+"\t"+k.Doc)
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// key is a field of a configuration, at its path.
type key struct {
	path string
	schema.Field
}

// keysOf are the fields of v and of the sections in it.
func keysOf(prefix string, v any) (all []key) {
	for _, f := range schema.Fields(v) {
		all = append(all, key{prefix + f.Key, f})
		if f.Value.Kind() == reflect.Struct {
			all = append(all, keysOf(prefix+f.Key+".", f.Value.Interface())...)
		}
	}
	return all
}

// assignments offers the keys of the configuration, those of the optimizee and optimizer that its file names included, and, behind a key, its values.
func (s *session) assignments(cmd *cobra.Command, _ []string, typed string) (all []string, _ cobra.ShellCompDirective) {
	const noMore = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	c := config.Defaults()
	keys := keysOf("", &c)
	values := map[string][]string{"optimizer.type": s.optimizers(), "optimizee.type": s.optimizees()}
	docs := map[string]string{"optimizer.type": "which optimizer", "optimizee.type": "which optimizee"}
	if p := s.planOf(cmd); p != nil {
		keys = append(keys, keysOf("optimizer.", p.Params)...)
		keys = append(keys, keysOf("optimizee.", p.Optimizee.New())...)
	}
	for _, k := range keys {
		if inner := k.Value.Kind() == reflect.Struct; inner && k.Auto == "" {
			continue // its keys are there
		}
		docs[k.path] = k.Doc
		values[k.path] = schema.Words(k.Range)
		if k.Value.Kind() == reflect.Bool {
			values[k.path] = []string{"true", "false"}
		}
		if k.Auto != "" {
			values[k.path] = append(values[k.path], "auto\t"+k.Auto)
		}
	}
	if path, _, ok := strings.Cut(typed, "="); ok {
		for _, v := range values[path] {
			all = append(all, path+"="+v)
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
	for path, doc := range docs {
		all = append(all, path+"=\t"+doc)
	}
	slices.Sort(all)
	return all, noMore
}

// planOf is the plan of the configuration that the command line names, if there is one.
func (s *session) planOf(cmd *cobra.Command) *config.Plan {
	f := cmd.Flags().Lookup("config")
	if f == nil || f.Value.String() == "" {
		return nil
	}
	p, err := config.Load(f.Value.String(), nil, s.kinds)
	if err != nil {
		return nil
	}
	return p
}

// parameters offers the parameters of the configuration's model.
func (s *session) parameters(cmd *cobra.Command, _ []string, _ string) (all []string, _ cobra.ShellCompDirective) {
	if p := s.planOf(cmd); p != nil {
		for _, q := range p.Space {
			all = append(all, q.Name+"=\t"+strings.TrimSpace(q.Kind.String()+" "+q.Unit))
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
