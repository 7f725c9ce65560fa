package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// Effective is the configuration, as YAML, with every default written out: what another run needs to repeat this one. While execution.parallel is
// auto, so is what depends on it.
func (p *Plan) Effective() ([]byte, error) {
	root, err := encode(&p.Config)
	if err != nil {
		return nil, err
	}
	o, err := p.configured()
	if err != nil {
		return nil, err
	}
	model, err := typed(p.Optimizee.Name, o)
	if err != nil {
		return nil, err
	}
	algorithm, err := typed(p.Optimizer.Name, p.open())
	if err != nil {
		return nil, err
	}
	const after = 4 // name and seed come first
	root.Content = slices.Insert(root.Content, after, scalarNode("optimizee"), model, scalarNode("optimizer"), algorithm)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(root), enc.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func typed(name string, v any) (*yaml.Node, error) {
	n, err := encode(v)
	if err != nil {
		return nil, err
	}
	n.Content = append([]*yaml.Node{scalarNode("type"), scalarNode(name)}, n.Content...)
	return n, nil
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
	keepFloats(&n, f.Value, false)
	if n.Kind == yaml.SequenceNode || n.Kind == yaml.MappingNode {
		n.Style = yaml.FlowStyle
	}
	return &n, nil
}

// keepFloats has the floats of a value that may hold anything written with a point, so that they are read as floats again.
func keepFloats(n *yaml.Node, v reflect.Value, anything bool) {
	switch v.Kind() {
	case reflect.Interface:
		keepFloats(n, v.Elem(), true)
	case reflect.Slice:
		for i, c := range n.Content {
			keepFloats(c, v.Index(i), false)
		}
	case reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			keepFloats(n.Content[i+1], v.MapIndex(reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key())), false)
		}
	case reflect.Float64:
		if anything && n.Tag == "!!int" {
			n.Tag, n.Value = "!!float", n.Value+".0"
		}
	}
}

func scalarNode(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
