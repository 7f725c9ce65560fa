package app

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

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

// decode reads a mapping into the fields of the struct that into points to, which hold the defaults. Keys in passed are somebody else's.
// All that is wrong is returned: unknown keys with the nearest one that exists, values of the wrong type, values out of range.
func (d *document) decode(n *yaml.Node, path string, into any, passed ...string) error {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" { // "stop:" with nothing after it
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return d.wrong(n, path, "want a section with keys of its own")
	}
	fields := schema.Fields(into)
	var errs []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		at := slices.IndexFunc(fields, func(f schema.Field) bool { return f.Key == key.Value })
		switch {
		case seen[key.Value]:
			errs = append(errs, d.wrong(key, join(path, key.Value), "the key is there twice"))
		case slices.Contains(passed, key.Value):
		case at < 0:
			known := slices.Clone(passed)
			for _, f := range fields {
				known = append(known, f.Key)
			}
			errs = append(errs, d.wrong(key, join(path, key.Value), "unknown key%s", didYouMean(key.Value, known)))
		default:
			errs = append(errs, d.value(value, join(path, key.Value), fields[at]))
		}
		seen[key.Value] = true
	}
	return errors.Join(errs...)
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// didYouMean ends a message about an unknown name.
func didYouMean(name string, known []string) string {
	best, distance := "", 1+(len(name)+1)/2
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; known are " + strings.Join(known, ", ")
}

// value reads a value into a field, and checks it.
func (d *document) value(n *yaml.Node, path string, f schema.Field) error {
	if f.Auto != "" && n.Kind == yaml.ScalarNode && n.Value == "auto" {
		f.Value.SetZero()
		return nil
	}
	if err := d.scan(n, path, f.Value); err != nil {
		return err
	}
	f.Key = path
	if err := f.Check(); err != nil {
		return d.wrong(n, "", "%v", err)
	}
	return nil
}

// scan reads a node into a Go value.
func (d *document) scan(n *yaml.Node, path string, v reflect.Value) error {
	n = resolve(n)
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(yaml.Unmarshaler); ok {
			if err := u.UnmarshalYAML(n); err != nil {
				return d.wrong(n, path, "%v", err)
			}
			return nil
		}
	}
	isNull := n.Kind == yaml.ScalarNode && n.Tag == "!!null"
	if v.CanAddr() && n.Kind == yaml.ScalarNode && !isNull {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := u.UnmarshalText([]byte(n.Value)); err != nil {
				return d.wrong(n, path, "%s, %v", shown(n), err)
			}
			return nil
		}
	}
	if v.CanAddr() {
		if m, ok := v.Addr().Interface().(schema.Appender); ok {
			v.SetZero()
			return d.named(n, path, m)
		}
	}
	switch {
	case v.Kind() == reflect.Pointer:
		if isNull {
			v.SetZero()
			return nil
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.scan(n, path, v.Elem())
	case v.Kind() == reflect.Struct:
		return d.decode(n, path, v.Addr().Interface())
	case v.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return d.wrong(n, path, "%s, want a list", shown(n))
		}
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		var errs []error
		for i, c := range n.Content {
			errs = append(errs, d.scan(c, fmt.Sprintf("%s[%d]", path, i), list.Index(i)))
		}
		v.Set(list)
		return errors.Join(errs...)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		if n.Kind != yaml.MappingNode {
			return d.wrong(n, path, "%s, want keys and values", shown(n))
		}
		m := reflect.MakeMap(v.Type())
		var errs []error
		for i := 0; i+1 < len(n.Content); i += 2 {
			element := reflect.New(v.Type().Elem()).Elem()
			errs = append(errs, d.scan(n.Content[i+1], join(path, n.Content[i].Value), element))
			m.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key()), element)
		}
		v.Set(m)
		return errors.Join(errs...)
	case v.Kind() == reflect.Interface:
		var x any
		if err := n.Decode(&x); err != nil {
			return d.wrong(n, path, "%v", err)
		}
		if x != nil {
			v.Set(reflect.ValueOf(x))
		}
		return nil
	case n.Kind != yaml.ScalarNode:
		return d.wrong(n, path, "%s, want a single value", shown(n))
	}
	return d.scalar(n, path, v)
}

// named reads a section whose keys are names of the user's choice.
func (d *document) named(n *yaml.Node, path string, m schema.Appender) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return d.wrong(n, path, "%s, want names, each with a section of its own", shown(n))
	}
	var errs []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Value == "" || seen[key.Value] {
			errs = append(errs, d.wrong(key, join(path, key.Value), "want a name that is there once"))
			continue
		}
		seen[key.Value] = true
		errs = append(errs, d.scan(value, join(path, key.Value), reflect.ValueOf(m.Append(key.Value)).Elem()))
	}
	return errors.Join(errs...)
}

func (d *document) scalar(n *yaml.Node, path string, v reflect.Value) error {
	want := schema.Field{Value: v}.Type()
	bad := func() error { return d.wrong(n, path, "%s, want a %s", shown(n), want) }
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		t, err := time.ParseDuration(n.Value)
		if err != nil {
			return d.wrong(n, path, "%s, want a duration such as 10m or 1h30m", shown(n))
		}
		v.SetInt(int64(t))
		return nil
	case v.Kind() == reflect.String:
		if n.Tag == "!!null" {
			return bad()
		}
		v.SetString(n.Value)
		return nil
	case v.Kind() == reflect.Bool:
		if n.Tag != "!!bool" {
			return d.wrong(n, path, "%s, want true or false", shown(n))
		}
	case v.CanInt(), v.CanUint():
		if f, err := strconv.ParseFloat(n.Value, 64); n.Tag == "!!float" && err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			n = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(int64(f), 10)} // 1e6 is a whole number, too
		}
		if n.Tag != "!!int" {
			return bad()
		}
	case v.CanFloat():
		if n.Tag != "!!float" && n.Tag != "!!int" {
			return bad()
		}
	}
	out := reflect.New(v.Type())
	if err := n.Decode(out.Interface()); err != nil {
		return bad()
	}
	if v.CanFloat() && math.IsNaN(out.Elem().Float()) {
		return bad()
	}
	v.Set(out.Elem())
	return nil
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

// encode writes the fields of a struct as a mapping, in their order; a field that is chosen automatically is "auto", and one that is not
// there (a nil pointer, or a zero with the option omitempty) is left out.
func encode(v any) (*yaml.Node, error) {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range schema.Fields(v) {
		if f.Value.Kind() == reflect.Pointer && f.Value.IsNil() || f.Omit && f.Value.IsZero() {
			continue
		}
		value, err := encodeValue(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
		m.Content = append(m.Content, scalarNode(f.Key), value)
	}
	return m, nil
}

func encodeValue(f schema.Field) (*yaml.Node, error) {
	if f.IsAuto() {
		return scalarNode("auto"), nil
	}
	if m, ok := f.Value.Interface().(schema.Mapping); ok {
		n := &yaml.Node{Kind: yaml.MappingNode}
		for key, p := range m.All() {
			value, err := encodeValue(schema.Field{Value: reflect.ValueOf(p).Elem()})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			n.Content = append(n.Content, scalarNode(key), value)
		}
		return n, nil
	}
	if _, custom := f.Value.Interface().(yaml.Marshaler); f.Value.Kind() == reflect.Struct && !custom {
		return encode(f.Value.Interface())
	}
	var n yaml.Node
	if err := n.Encode(f.Value.Interface()); err != nil {
		return nil, err
	}
	if n.Kind == yaml.SequenceNode || n.Kind == yaml.MappingNode {
		n.Style = yaml.FlowStyle
	}
	return &n, nil
}

func scalarNode(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
