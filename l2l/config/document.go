package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Load reads the configuration of a file, with what the assignments, each "key.path=value", change in it. Relative paths that an optimizee is
// configured with start at the file's directory.
func Load(path string, assignments []string, kinds Kinds) (*Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return LoadText(path, text, assignments, kinds)
}

// LoadText is [Load] of a file that has this text, and need not be there.
func LoadText(path string, text []byte, assignments []string, kinds Kinds) (*Plan, error) {
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

// Recorded reads the effective configuration of a run, as the run has written it down: what it lacks, as there was no such key then, is as it was
// without. The text is called name in errors.
func Recorded(name string, text []byte, kinds Kinds) (*Plan, error) {
	d, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	d.recorded = true
	return d.plan(nil, kinds)
}

// ParseValue reads a value as a configuration would have it: a number, a text, true or false, a list, ….
func ParseValue(text string) (any, error) {
	d := &document{name: "the value"}
	n, err := d.read([]byte(text))
	if err != nil || n == nil {
		return nil, err
	}
	return d.plain(n, "")
}

// document is a configuration as its user wrote it: a YAML file and what --set changed in it. It knows the place of every value, so
// that what is wrong with a value can be shown where it stands.
type document struct {
	name string
	dir  string // that it stands in, an absolute path; "" if it is no file
	text string
	root *yaml.Node            // a mapping, in which there are no aliases and no merge keys
	set  map[*yaml.Node]string // for nodes that came from --set: the assignment
	told int                   // errors that have been told: at most maxTold are

	recorded bool // a run has written it: what it lacks is as it was before there was the key
}

// complete gives v, which is to be read from the section n and holds the defaults of today, what stood there before there was the key, where it was
// something else.
func (d *document) complete(n *yaml.Node, v any) {
	if !d.recorded {
		return
	}
	for _, f := range schema.Fields(v) {
		if f.Past != "" && (n == nil || child(n, f.Key) == nil) {
			f.SetPast()
		}
	}
}

// Up to where a text is taken for a configuration. Points of tens of thousands of numbers to begin with are within the limits.
const (
	maxDocument = 16 << 20 // bytes
	maxValues   = 1 << 18  // values and keys, each of which takes a kilobyte while they are read
	maxDepth    = 100      // sections and lists within one another
	maxTold     = 20       // errors that are told
)

// parse reads a configuration. name is what its user calls it.
func parse(name string, text []byte) (*document, error) {
	d := &document{name: name, text: string(text), set: map[*yaml.Node]string{}}
	root, err := d.read(text)
	switch {
	case err != nil:
		return nil, err
	case root == nil: // an empty file
		root = &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	case root.Kind != yaml.MappingNode:
		return nil, d.wrong(root, "", "want keys and values, as in \"name: my-run\"")
	}
	d.root = root
	return d, nil
}

// read reads the one YAML document of a text, and puts what they stand for in the place of aliases and merge keys. It is nil for a text in which
// there is nothing.
func (d *document) read(text []byte) (*yaml.Node, error) {
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s: %d bytes, want a configuration of at most %d", d.name, len(text), maxDocument)
	}
	marks := 0 // of which one stands before or after each value
	for _, c := range text {
		if strings.IndexByte(",:[{\n\"'&*!", c) >= 0 {
			marks++
		}
	}
	if marks > maxValues {
		return nil, fmt.Errorf("%s: %d commas, colons, brackets, quotes and ends of lines, want a configuration of at most %d values",
			d.name, marks, maxValues)
	}
	var file, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err := decoded(dec, &file)
	switch {
	case err == io.EOF:
		return nil, nil
	case err != nil:
		return nil, d.unreadable(err)
	case file.Kind != yaml.DocumentNode || len(file.Content) == 0:
		return nil, nil
	}
	switch err := decoded(dec, &second); {
	case err == nil && len(second.Content) > 0:
		return nil, d.wrong(second.Content[0], "", "a second document, want one: without a line --- in between")
	case err != nil && err != io.EOF:
		return nil, d.unreadable(err)
	}
	room := maxValues
	return d.expand(file.Content[0], 0, &room)
}

// expand is a copy of a node without aliases and merge keys, which takes as much of the room as it has nodes.
func (d *document) expand(n *yaml.Node, depth int, room *int) (*yaml.Node, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if *room--; *room < 0 {
		return nil, d.wrong(n, "", "more than %d values, with those that aliases stand for", maxValues)
	}
	if depth > maxDepth {
		return nil, d.wrong(n, "", "nested more than %d levels deep", maxDepth)
	}
	c := *n
	c.Anchor, c.Alias, c.Content = "", nil, make([]*yaml.Node, 0, len(n.Content))
	var merged []*yaml.Node
	for i := 0; i < len(n.Content); i++ {
		inner, err := d.expand(n.Content[i], depth+1, room)
		if err != nil {
			return nil, err
		}
		if n.Kind == yaml.MappingNode && i%2 == 0 && inner.Tag == "!!merge" {
			if inner, err = d.expand(n.Content[i+1], depth+1, room); err != nil {
				return nil, err
			}
			i++
			merged = append(merged, inner)
			continue
		}
		c.Content = append(c.Content, inner)
	}
	for _, m := range merged {
		if err := d.merge(&c, m); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// merge adds to a mapping the keys that it has not of a mapping, or of each of a list of mappings, that stands after its key <<.
func (d *document) merge(into, from *yaml.Node) error {
	switch from.Kind {
	case yaml.SequenceNode:
		for _, c := range from.Content {
			if err := d.merge(into, c); err != nil {
				return err
			}
		}
		return nil
	case yaml.MappingNode:
		has := map[string]bool{}
		for i := 0; i < len(into.Content); i += 2 {
			has[into.Content[i].Value] = true
		}
		for i := 0; i+1 < len(from.Content); i += 2 {
			if !has[from.Content[i].Value] {
				into.Content = append(into.Content, from.Content[i], from.Content[i+1])
			}
		}
		return nil
	}
	return d.wrong(from, "<<", "%s, want a section, or a list of sections, whose keys are taken over", shown(from))
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

// decoded reads a document with panics as errors: the parser's limits are not all checked.
func decoded(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not YAML: %v", p)
		}
	}()
	return dec.Decode(n)
}

// assign carries out "--set key.path=value". The value is YAML.
func (d *document) assign(assignment string) error {
	place := "--set " + assignment
	path, value, ok := strings.Cut(assignment, "=")
	if !ok || path == "" {
		return fmt.Errorf("%s: want key.path=value", place)
	}
	leaf, err := (&document{name: place}).read([]byte(value))
	if err != nil {
		return err
	}
	if leaf == nil {
		leaf = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	return d.put(path, leaf, place)
}

// put has another value at a path, whose keys are joined by dots. place is where it comes from, for errors about it.
func (d *document) put(path string, leaf *yaml.Node, place string) error {
	at := d.root
	keys := strings.Split(path, ".")
	for i, key := range keys {
		if at.Kind == yaml.ScalarNode && at.Tag == "!!null" { // a section with nothing but comments, such as init writes
			*at = yaml.Node{Kind: yaml.MappingNode, Line: at.Line, Column: at.Column}
		}
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

// errMore stands for errors that are not told, as enough have been.
var errMore = errors.New("there is more that is wrong")

// full reports whether enough errors have been told.
func (d *document) full() bool { return d.told > maxTold }

// wrong says what is wrong with a node: the place, the path, the rule, and the line with a mark under the node.
func (d *document) wrong(n *yaml.Node, path, format string, args ...any) error {
	if d.told++; d.full() {
		return errMore
	}
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = cut(path, 200) + ": " + text
	}
	text = cut(text, 1000)
	if place, ok := d.set[n]; ok {
		return fmt.Errorf("%s: %s", cut(place, 200), text)
	}
	line, ok := d.line(n.Line)
	if !ok {
		return fmt.Errorf("%s: %s", d.name, text)
	}
	number, column := strconv.Itoa(n.Line), max(n.Column-1, 0)
	line = strings.TrimRight(strings.ReplaceAll(line, "\t", " "), "\r")
	if from := column - 80; len(line) > 160 && from > 0 { // what stands around the node
		from = min(from, len(line))
		line = "…" + strings.ToValidUTF8(line[from:], "")
		column -= from - 1
	}
	line = cut(line, 160)
	mark := strings.Repeat(" ", min(column, len(line))) + "^"
	return fmt.Errorf("%s:%d:%d: %s\n  %s | %s\n  %s | %s", d.name, n.Line, n.Column, text, number, line, strings.Repeat(" ", len(number)), mark)
}

// line is a line of the text, from 1 on.
func (d *document) line(number int) (string, bool) {
	if number < 1 {
		return "", false
	}
	for line := range strings.SplitSeq(d.text, "\n") {
		if number--; number == 0 {
			return line, true
		}
	}
	return "", false
}

// cut is the beginning of a text of more than n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// joined is the errors as one, of which those that are not told are one.
func (d *document) joined(errs ...error) error {
	var all []error
	var add func(err error)
	add = func(err error) {
		switch joined, ok := err.(interface{ Unwrap() []error }); {
		case ok:
			for _, e := range joined.Unwrap() {
				add(e)
			}
		case err != nil && err != errMore:
			all = append(all, err)
		}
	}
	add(errors.Join(errs...))
	if d.full() {
		all = append(all, fmt.Errorf("… and %w; the first %d are told", errMore, maxTold))
	}
	return errors.Join(all...)
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
		return strconv.Quote(strings.ToValidUTF8(n.Value[:60], "")) + "…"
	}
	return strconv.Quote(n.Value)
}

// plan reads the document completely. Everything that is wrong with it is reported, each with its place.
func (d *document) plan(assignments []string, kinds Kinds) (*Plan, error) {
	if child(d.root, "base") != nil && child(d.root, "optimizee") == nil {
		return nil, fmt.Errorf("%s is the file of a campaign, want the configuration of a run; l2l-mpi campaign %[1]s runs it", d.name)
	}
	var errs []error
	for _, a := range assignments {
		errs = append(errs, d.assign(a))
	}
	if err := d.joined(errs...); err != nil {
		return nil, err
	}
	p := &Plan{Config: Defaults(), Kinds: kinds}
	d.complete(child(d.root, "execution"), &p.Execution)
	errs = []error{d.decode(d.root, "", &p.Config, "optimizee", "optimizer"), d.placed(errors.Join(p.checkName(), p.checkMetrics()))}
	model, optimizeeErr := section(d, "optimizee", kinds.Optimizees, optimizeeName, &p.Optimizee)
	algorithm, optimizerErr := section(d, "optimizer", kinds.Optimizers, optimizerName, &p.Optimizer)
	errs = append(errs, optimizeeErr, optimizerErr)
	if algorithm != nil {
		p.Params = p.Optimizer.Params()
		d.complete(algorithm, p.Params)
		errs = append(errs, d.decode(algorithm, "optimizer", p.Params, "type"))
		d.locate(p.Params)
		p.unnamed = func(key string) bool { return child(algorithm, key) == nil }
	}
	if model != nil {
		p.unnamedModel = func(key string) bool { return child(model, key) == nil }
		p.configured = func() (optimizee.Optimizee, error) {
			o := p.Optimizee.New()
			d.complete(model, o)
			err := d.decode(model, "optimizee", o, "type")
			d.locate(o)
			return o, err
		}
		errs = append(errs, d.placed(p.learn()))
	}
	if err := d.joined(errs...); err != nil {
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
	names := namesOf(kinds, nameOf)
	if n.Kind != yaml.MappingNode || child(n, "type") == nil {
		return nil, d.wrong(n, name, "want a section with a type: %s", strings.Join(names, ", "))
	}
	typ := child(n, "type")
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

// placed is err with the place in the document of the value that it is about, and so is each of errors that are joined.
func (d *document) placed(err error) error {
	switch e := err.(type) {
	case *schema.Error:
		if d.full() {
			return errMore // without looking for its place
		}
		return d.wrong(d.at(e.Path), strings.Join(e.Path, "."), "%v", e.Err)
	case interface{ Unwrap() []error }:
		var errs []error
		for _, one := range e.Unwrap() {
			errs = append(errs, d.placed(one))
		}
		return errors.Join(errs...)
	}
	return err
}

// at is the node at a path, or the nearest one above it that is there.
func (d *document) at(path []string) *yaml.Node {
	n := d.root
	for _, key := range path {
		next := child(n, key)
		if base, index, ok := strings.Cut(strings.TrimSuffix(key, "]"), "["); ok && next == nil { // an element of a list
			list := child(n, base)
			if i, err := strconv.Atoi(index); err == nil && list != nil && i < len(list.Content) {
				next = list.Content[i]
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return n
}
