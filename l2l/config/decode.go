package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// decode reads a mapping into the fields of the struct that into points to, which hold the defaults. Keys in passed are somebody else's.
// All that is wrong is returned: unknown keys with the nearest one that exists, values of the wrong type, values out of range.
func (d *document) decode(n *yaml.Node, path string, into any, passed ...string) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" { // "stop:" with nothing after it
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return d.wrong(n, path, "want a section with keys of its own")
	}
	fields := schema.Fields(into)
	var errs []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
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
			errs = append(errs, d.wrong(key, join(path, key.Value), "unknown key%s", DidYouMean(key.Value, known)))
		default:
			errs = append(errs, d.value(value, join(path, key.Value), fields[at]))
		}
		seen[key.Value] = true
	}
	return errors.Join(errs...)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// value reads a value into a field, and checks it.
func (d *document) value(n *yaml.Node, path string, f schema.Field) error {
	if f.Auto != "" && n.Kind == yaml.ScalarNode && n.Value == "auto" {
		f.SetAuto()
		return nil
	}
	if err := d.scan(n, path, f.Value); err != nil {
		return err
	}
	f.Key = path
	if err := f.CheckGiven(); err != nil {
		return d.wrong(n, "", "%v", err)
	}
	return nil
}

// scan reads a node into a Go value.
func (d *document) scan(n *yaml.Node, path string, v reflect.Value) error {
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
			if d.full() {
				break
			}
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
		for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
			element := reflect.New(v.Type().Elem()).Elem()
			errs = append(errs, d.scan(n.Content[i+1], join(path, n.Content[i].Value), element))
			m.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key()), element)
		}
		v.Set(m)
		return errors.Join(errs...)
	case v.Kind() == reflect.Interface:
		x, err := d.plain(n, path)
		if x != nil {
			v.Set(reflect.ValueOf(x))
		}
		return err
	case n.Kind != yaml.ScalarNode:
		return d.wrong(n, path, "%s, want a single value", shown(n))
	}
	return d.scalar(n, path, v)
}

// plain is the value of a node, of the type that it has in YAML: nil, bool, int, uint64, float64 or string, []any, or map[string]any. A date is
// the text that it is written as.
func (d *document) plain(n *yaml.Node, path string) (any, error) {
	var errs []error
	switch n.Kind {
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, c := range n.Content {
			if d.full() {
				break
			}
			x, err := d.plain(c, fmt.Sprintf("%s[%d]", path, i))
			list, errs = append(list, x), append(errs, err)
		}
		return list, errors.Join(errs...)
	case yaml.MappingNode:
		section := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
			key := n.Content[i]
			if _, twice := section[key.Value]; twice || key.Kind != yaml.ScalarNode {
				errs = append(errs, d.wrong(key, join(path, key.Value), "want a key that is a text, and there once"))
				continue
			}
			x, err := d.plain(n.Content[i+1], join(path, key.Value))
			section[key.Value], errs = x, append(errs, err)
		}
		return section, errors.Join(errs...)
	}
	if n.Tag == "!!timestamp" {
		return n.Value, nil
	}
	var x any
	if err := n.Decode(&x); err != nil {
		return nil, d.wrong(n, path, "%v", err)
	}
	return x, nil
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
	for i := 0; i+1 < len(n.Content) && !d.full(); i += 2 {
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
