// Package child is a program that this one starts, talks to, and sees to the end of: a [Process], and a [Server], which answers requests over
// a connection of its own as optimizee/process/PROTOCOL.md tells. Package optimizee/process makes optimizees of such programs and package
// optimizer/process optimizers; what is asked and answered is theirs.
//
// Whatever a program does, short of stopping the machine, costs no more than the program: it may crash, hang, print without end, answer
// with garbage or too often, or leave children behind. Nothing that it started outlives it, and it does not outlive this process: that is what
// a [Guardian] is for. A binary that has this package in it is a guardian, and nothing else, when it is called "l2l-guardian": the package's
// init function then never returns.
package child

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// Program is which program is started, as a configuration says it.
type Program struct {
	Command   Words          `yaml:"command" doc:"the program and its arguments, a list or a text that is split at spaces"`
	Dir       string         `yaml:"dir" doc:"where it runs and files are found; if relative, it is so to the directory of the configuration" auto:"the directory of the configuration"`
	Constants map[string]any `yaml:"constants" doc:"handed to the program unchanged"`
}

// Surroundings are what a program sees, and how much of it is taken in, as a configuration says it.
type Surroundings struct {
	Env          map[string]string `yaml:"env" doc:"environment variables for the program"`
	Inherit      string            `yaml:"inherit" doc:"what it sees of the environment: of MPI and Slurm nothing, of Slurm what srun needs, or all" range:"user | slurm | all" auto:"slurm with an srun launcher, otherwise user"`
	Grace        time.Duration     `yaml:"grace" doc:"from the signal TERM to the signal KILL, for a program that has to end" range:"[0, inf)"`
	MessageLimit int               `yaml:"message_limit" doc:"size of an answer, or of a file that holds one, above which it is refused" unit:"bytes" range:"[1024, 1e9]"`
	LogLimit     int               `yaml:"log_limit" doc:"how much is kept of the standard output, and of the standard error: half of it from the beginning, half from the end" unit:"bytes" range:"[1024, 1e9]"`
}

// DefaultSurroundings are what a configuration starts from.
func DefaultSurroundings() Surroundings {
	return Surroundings{Grace: 5 * time.Second, MessageLimit: 64 << 20, LogLimit: 256 << 10}
}

// Words is a command: a list of words, or a text that is split at spaces.
type Words []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Words) UnmarshalText(text []byte) error {
	*w = strings.Fields(string(text))
	return nil
}

// SchemaWord implements schema.Worded: a text of any words.
func (w *Words) SchemaWord() map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

// SchemaRules implements schema.Ruled: there is something to start.
func (p *Program) SchemaRules() map[string]any {
	something := map[string]any{"minItems": 1, "pattern": `\S`}
	return map[string]any{"required": []string{"command"}, "properties": map[string]any{"command": something}}
}

// Locate makes a relative Dir one that starts at dir, the absolute path of the configuration's directory.
func (p *Program) Locate(dir string) {
	if !filepath.IsAbs(p.Dir) {
		p.Dir = filepath.Join(dir, p.Dir)
	}
}

// Find checks that the program and its directory are there, so that what is not there is known before the run, and makes a path in Command absolute. Behind a
// launcher, the launcher is looked for.
func (p *Program) Find(launcher Words) error {
	if len(p.Command) == 0 {
		return schema.At(errors.New("nothing to start, want a program and its arguments"), "command")
	}
	if p.Dir != "" {
		switch info, err := os.Stat(p.Dir); {
		case errors.Is(err, fs.ErrNotExist):
			return schema.At(fmt.Errorf("there is no directory %s", p.Dir), "dir")
		case err != nil:
			return schema.At(err, "dir")
		case !info.IsDir():
			return schema.At(fmt.Errorf("%s is a file, want a directory", p.Dir), "dir")
		}
	}
	if name := p.Command[0]; strings.Contains(name, "/") && !filepath.IsAbs(name) {
		dir, err := filepath.Abs(p.Dir)
		if err != nil {
			return err
		}
		p.Command = append(Words{filepath.Join(dir, name)}, p.Command[1:]...)
	}
	key, name := "command", p.Command[0]
	if len(launcher) > 0 {
		key, name = "launcher", launcher[0]
	}
	_, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("there is no program %q in the PATH; one in dir is written ./%s", name, name)
	}
	return schema.At(err, key)
}

// CheckConstants returns an error for what cannot be handed to a program.
func (p *Program) CheckConstants() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p.Constants)) {
		errs = append(errs, schema.At(checkConstant(p.Constants[name]), "constants", name))
	}
	return errors.Join(errs...)
}

func checkConstant(v any) error {
	switch v := v.(type) {
	case nil, bool, string, int, int64, uint64:
		return nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%v, want a finite number", v)
		}
		return nil
	case []any:
		for i, x := range v {
			if err := checkConstant(x); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	case map[string]any:
		for key, x := range v {
			if err := checkConstant(x); err != nil {
				return schema.At(err, key)
			}
		}
		return nil
	}
	return fmt.Errorf("%v, want text (in quotes), a number, true, false, a list, or a section with texts as keys", v)
}

// Environment is the environment of a program behind a launcher, or without one.
func (s *Surroundings) Environment(launcher Words) []string {
	inherit := s.Inherit
	if inherit == "" && len(launcher) > 0 && filepath.Base(launcher[0]) == "srun" {
		inherit = "slurm"
	}
	env := os.Environ()
	if inherit != "all" {
		env = ScrubEnv(env, inherit == "slurm")
	}
	for name, value := range s.Env {
		env = append(env, name+"="+value)
	}
	return env
}
