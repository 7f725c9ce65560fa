package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Load reads the configuration of a file, with what the assignments, each "key.path=value", change in it. Relative paths that an optimizee is
// configured with start at the file's directory.
func Load(path string, assignments []string, kinds Kinds) (*Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	if d.dir, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return d.plan(assignments, kinds)
}

// Parse reads a configuration that is no file of its user's, such as an effective one: its paths are absolute. name is what errors call it.
func Parse(name string, text []byte, kinds Kinds) (*Plan, error) {
	d, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	return d.plan(nil, kinds)
}

// ParseValue reads a value as a configuration would have it: a number, a text, true or false, a list, ….
func ParseValue(text string) (v any, err error) {
	err = unmarshal([]byte(text), &v)
	return v, err
}

// document is a configuration as its user wrote it: a YAML file and what --set changed in it. It knows the place of every value, so
// that what is wrong with a value can be shown where it stands.
type document struct {
	name  string
	dir   string // that it stands in, an absolute path; "" if it is no file
	lines []string
	root  *yaml.Node            // a mapping
	set   map[*yaml.Node]string // for nodes that came from --set: the assignment
}

// maxDocument is the size of a configuration, in bytes, above which it is taken for something else.
const maxDocument = 16 << 20

// parse reads a configuration. name is what its user calls it.
func parse(name string, text []byte) (*document, error) {
	d := &document{name: name, lines: strings.Split(string(text), "\n"), set: map[*yaml.Node]string{}}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s: %d bytes, want a configuration of at most %d", name, len(text), maxDocument)
	}
	var file yaml.Node
	if err := unmarshal(text, &file); err != nil {
		return nil, d.unreadable(err)
	}
	switch {
	case file.Kind == 0: // an empty file
		d.root = &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	case file.Content[0].Kind != yaml.MappingNode:
		return nil, d.wrong(file.Content[0], "", "want keys and values, as in \"name: my-run\"")
	default:
		d.root = file.Content[0]
	}
	return d, nil
}

// unreadable is an error of the parser, with the line that it speaks of.
func (d *document) unreadable(err error) error {
	at := regexp.MustCompile(`line (\d+): `).FindStringSubmatchIndex(err.Error())
	if at == nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	line, _ := strconv.Atoi(err.Error()[at[2]:at[3]]) // digits
	return d.wrong(&yaml.Node{Line: line, Column: 1}, "", "not YAML: %s", err.Error()[at[1]:])
}

// unmarshal is yaml.Unmarshal with panics as errors: the parser's limits are not all checked.
func unmarshal(text []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not YAML: %v", p)
		}
	}()
	return yaml.Unmarshal(text, v)
}

// assign carries out "--set key.path=value". The value is YAML.
func (d *document) assign(assignment string) error {
	place := "--set " + assignment
	path, value, ok := strings.Cut(assignment, "=")
	if !ok || path == "" {
		return fmt.Errorf("%s: want key.path=value", place)
	}
	var parsed yaml.Node
	if err := unmarshal([]byte(value), &parsed); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	leaf := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if parsed.Kind == yaml.DocumentNode {
		leaf = parsed.Content[0]
	}
	at := d.root
	keys := strings.Split(path, ".")
	for i, key := range keys {
		if at.Kind != yaml.MappingNode {
			return fmt.Errorf("%s: %s is no section", place, strings.Join(keys[:i], "."))
		}
		next := child(at, key)
		if next == nil {
			next = &yaml.Node{Kind: yaml.MappingNode}
			name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
			at.Content = append(at.Content, name, next)
			d.set[name], d.set[next] = place, place
		}
		at = next
	}
	*at = *leaf
	d.mark(at, place)
	return nil
}

func (d *document) mark(n *yaml.Node, place string) {
	d.set[n] = place
	for _, c := range n.Content {
		d.mark(c, place)
	}
}

// child is the value of a key in a mapping, or nil.
func child(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// wrong says what is wrong with a node: the place, the path, the rule, and the line with a mark under the node.
func (d *document) wrong(n *yaml.Node, path, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = path + ": " + text
	}
	if place, ok := d.set[n]; ok {
		return fmt.Errorf("%s: %s", place, text)
	}
	if n.Line < 1 || n.Line > len(d.lines) {
		return fmt.Errorf("%s: %s", d.name, text)
	}
	number := strconv.Itoa(n.Line)
	line := strings.TrimRight(strings.ReplaceAll(d.lines[n.Line-1], "\t", " "), "\r")
	if len(line) > 160 {
		line = line[:160] + "…"
	}
	mark := strings.Repeat(" ", max(min(n.Column, len(line))-1, 0)) + "^"
	return fmt.Errorf("%s:%d:%d: %s\n  %s | %s\n  %s | %s", d.name, n.Line, n.Column, text, number, line, strings.Repeat(" ", len(number)), mark)
}

// shown is a node as a message quotes it.
func shown(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	if len(n.Value) > 60 {
		return strconv.Quote(n.Value[:60]) + "…"
	}
	return strconv.Quote(n.Value)
}

// plan reads the document completely. Everything that is wrong with it is reported, each with its place.
func (d *document) plan(assignments []string, kinds Kinds) (*Plan, error) {
	var errs []error
	for _, a := range assignments {
		errs = append(errs, d.assign(a))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p := &Plan{Config: Defaults(), Kinds: kinds}
	errs = []error{d.decode(d.root, "", &p.Config, "optimizee", "optimizer"), d.placed(p.checkName())}
	model, optimizeeErr := section(d, "optimizee", kinds.Optimizees, optimizeeName, &p.Optimizee)
	algorithm, optimizerErr := section(d, "optimizer", kinds.Optimizers, optimizerName, &p.Optimizer)
	errs = append(errs, optimizeeErr, optimizerErr)
	if algorithm != nil {
		p.Params = p.Optimizer.Params()
		errs = append(errs, d.decode(algorithm, "optimizer", p.Params, "type"))
		d.locate(p.Params)
		p.unnamed = func(key string) bool { return child(algorithm, key) == nil }
	}
	if model != nil {
		p.configured = func() (optimizee.Optimizee, error) {
			o := p.Optimizee.New()
			err := d.decode(model, "optimizee", o, "type")
			d.locate(o)
			return o, err
		}
		errs = append(errs, d.placed(p.learn()))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, d.placed(p.complete())
}

// section finds the section of a name and the kind that its type names.
func section[K any](d *document, name string, kinds []K, nameOf func(K) string, kind *K) (*yaml.Node, error) {
	n := child(d.root, name)
	if n == nil {
		return nil, fmt.Errorf("%s: %s: the section is missing, want %s: {type: …}", d.name, name, name)
	}
	n = resolve(n)
	names := namesOf(kinds, nameOf)
	if n.Kind != yaml.MappingNode || child(n, "type") == nil {
		return nil, d.wrong(n, name, "want a section with a type: %s", strings.Join(names, ", "))
	}
	typ := resolve(child(n, "type"))
	i := slices.Index(names, typ.Value)
	if i < 0 {
		return nil, d.wrong(typ, name+".type", "unknown %s %q%s", name, typ.Value, DidYouMean(typ.Value, names))
	}
	*kind = kinds[i]
	return n, nil
}

// locate tells v, if it wants to know, the directory that the document stands in.
func (d *document) locate(v any) {
	if l, ok := v.(optimizee.Located); ok && d.dir != "" {
		l.Locate(d.dir)
	}
}

// placed is err with the place in the document of the value that it is about.
func (d *document) placed(err error) error {
	var e *valueError
	if !errors.As(err, &e) {
		return err
	}
	return d.wrong(d.at(e.path), e.path, "%v", e.err)
}

// at is the node at a path, or the nearest one above it that is there.
func (d *document) at(path string) *yaml.Node {
	n := d.root
	for key := range strings.SplitSeq(path, ".") {
		next := child(n, key)
		if next == nil {
			break
		}
		n = resolve(next)
	}
	return n
}
