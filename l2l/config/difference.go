package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// changeable are the sections and keys that a resumed run may have other than the run before: they do not touch the search.
var changeable = []string{
	"stop", "optimizee.dir", "execution.schedule", "execution.slots", "execution.batch", "execution.timeout", "execution.start_timeout", "execution.max_failures", "output",
}

// Resumable returns an error naming each value that differs between the effective configuration that a run was started with and this plan's,
// unless it may change.
func (p *Plan) Resumable(started string) error {
	now, err := p.Effective()
	if err != nil {
		return err
	}
	var before, after yaml.Node
	if err := errors.Join(unmarshal([]byte(started), &before), unmarshal(now, &after)); err != nil {
		return err
	}
	var errs []error
	compare("", before.Content[0], after.Content[0], func(path, was, is string) {
		if strings.HasPrefix(path, "optimizee.parameters.") && strings.HasSuffix(path, ".doc") {
			return // a text for people
		}
		if !slices.ContainsFunc(changeable, func(c string) bool { return path == c || strings.HasPrefix(path, c+".") }) {
			errs = append(errs, fmt.Errorf("%s: the run was started with %s, and is to be resumed with %s; only %s may change",
				path, was, is, strings.Join(changeable, ", ")))
		}
	})
	return errors.Join(errs...)
}

// compare calls differ for each value that two configurations do not share.
func compare(path string, a, b *yaml.Node, differ func(path, a, b string)) {
	if a.Kind != yaml.MappingNode || b.Kind != yaml.MappingNode {
		if x, y := flat(a), flat(b); x != y {
			differ(path, x, y)
		}
		return
	}
	none := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	for i := 0; i+1 < len(a.Content); i += 2 {
		key := a.Content[i].Value
		other := child(b, key)
		if other == nil {
			other = none
		}
		compare(join(path, key), a.Content[i+1], other, differ)
	}
	for i := 0; i+1 < len(b.Content); i += 2 {
		if key := b.Content[i].Value; child(a, key) == nil {
			compare(join(path, key), none, b.Content[i+1], differ)
		}
	}
}

// flat is a value on one line.
func flat(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return shown(n)
	}
	var parts []string
	for _, c := range n.Content {
		parts = append(parts, flat(c))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
