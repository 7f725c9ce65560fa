package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Difference is a value that two configurations do not share.
type Difference struct {
	Path          string // of the key
	Before, After string // as a message quotes them
	Free          bool   // of ChangesFrom: a resumed run may have another value there
}

// Differences lists the values that two configurations, as effective ones are, do not share.
func Differences(before, after []byte) (all []Difference, err error) {
	a, err := parse("the configuration before", before)
	if err != nil {
		return nil, err
	}
	b, err := parse("the configuration after", after)
	if err != nil {
		return nil, err
	}
	compare("", a.root, b.root, func(d Difference) { all = append(all, d) })
	return all, nil
}

// ChangesFrom lists the values that the plan has and an earlier one had not.
func (p *Plan) ChangesFrom(earlier *Plan) ([]Difference, error) {
	before, err1 := earlier.Effective()
	after, err2 := p.Effective()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	all, err := Differences(before, after)
	for i := range all {
		all[i].Free = p.mayChange(all[i].Path)
	}
	return all, err
}

// mayChange reports whether a resumed run may have another value there.
func (p *Plan) mayChange(path string) bool {
	section, rest, _ := strings.Cut(path, ".")
	switch section {
	case "optimizee":
		o, err := p.configured()
		return err == nil && schema.Free(o, rest)
	case "optimizer":
		return schema.Free(p.Params, rest)
	}
	return schema.Free(p.Config, path)
}

// Continued is the plan by which a run goes on that was started with an effective configuration: what this plan does not name of the optimizer's
// parameters is what it was then, whatever the defaults are by now.
func (p *Plan) Continued(started string) (*Plan, error) {
	d, err := parse("the run's configuration", []byte(started))
	if err != nil {
		return nil, err
	}
	var then optimizer.Algorithm
	section, err := section(d, "optimizer", p.Kinds.Optimizers, optimizerName, &then)
	if err != nil || then.Name != p.Optimizer.Name || p.unnamed == nil {
		return p, nil // which Resumable will not let pass, or which names everything
	}
	q := *p
	q.Params = copied(p.Params)
	was := p.Optimizer.Params()
	if err := d.decode(section, "optimizer", was, "type"); err != nil {
		return nil, err
	}
	before := schema.Fields(was)
	for i, f := range schema.Fields(q.Params) {
		if p.unnamed(f.Key) {
			f.Value.Set(before[i].Value)
		}
	}
	return &q, q.complete()
}

// Resumable compares the effective configuration that a run was started with and this plan's. What differs and may, because it changes where and
// how evaluations run and not what is searched, is returned; what may not is an error that names each value. The fields themselves say what may
// (package schema). A key that the run was started without, as it is newer, counts as having had its default.
func (p *Plan) Resumable(started string) (changes []Difference, err error) {
	now, err := p.Effective()
	if err != nil {
		return nil, err
	}
	differences, err := Differences([]byte(started), now)
	if err != nil {
		return nil, err
	}
	var errs []error
	given := differences
	for _, section := range []string{"optimizer", "optimizee"} { // one of another type has other keys, and another model another optimizer's defaults
		if !slices.ContainsFunc(given, func(d Difference) bool { return d.Path == section+".type" }) {
			continue
		}
		differences = slices.DeleteFunc(slices.Clone(differences), func(d Difference) bool {
			return d.Path != section+".type" && (strings.HasPrefix(d.Path, section+".") || strings.HasPrefix(d.Path, "optimizer."))
		})
	}
	for _, d := range differences {
		if d.Before == "nothing" && p.isDefault(d.Path, d.After) {
			continue
		}
		if p.mayChange(d.Path) {
			changes = append(changes, d)
			continue
		}
		errs = append(errs, fmt.Errorf("%s: the run was started with %s, and is to be resumed with %s, which would be another search",
			d.Path, d.Before, d.After))
	}
	return changes, errors.Join(errs...)
}

// isDefault reports whether a value, as a Difference quotes it, is the default of the key at a path.
func (p *Plan) isDefault(path, value string) bool {
	defaults, rest := any(Defaults()), path
	section, within, _ := strings.Cut(path, ".")
	switch section {
	case "optimizee":
		defaults, rest = p.Optimizee.New(), within
	case "optimizer":
		defaults, rest = p.Optimizer.Params(), within
	}
	n, err := encode(defaults)
	if err != nil {
		return false
	}
	for key := range strings.SplitSeq(rest, ".") {
		if n = child(n, key); n == nil {
			return false
		}
	}
	return value == flat(n, shown) || value == flat(n, bare)
}

// compare calls differ for each value that a and b do not share.
func compare(path string, a, b *yaml.Node, differ func(Difference)) {
	if a.Kind != yaml.MappingNode || b.Kind != yaml.MappingNode {
		if same(a, b) {
			return
		}
		x, y := flat(a, shown), flat(b, shown)
		if x == y { // a text that looks like something else is shown as one, and nothing else is
			x, y = flat(a, bare), flat(b, bare)
		}
		differ(Difference{Path: path, Before: x, After: y})
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

// same reports whether two nodes are the same value: true is not the text "true", but 1 is 1.0.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind != yaml.ScalarNode {
		return slices.EqualFunc(a.Content, b.Content, same)
	}
	if isNumber(a) && isNumber(b) {
		x, err1 := strconv.ParseFloat(a.Value, 64)
		y, err2 := strconv.ParseFloat(b.Value, 64)
		return x == y && err1 == nil && err2 == nil || a.Value == b.Value
	}
	return a.Tag == b.Tag && a.Value == b.Value
}

func isNumber(n *yaml.Node) bool { return n.Tag == "!!int" || n.Tag == "!!float" }

// flat is a value on one line, its scalars as text has them.
func flat(n *yaml.Node, text func(*yaml.Node) string) string {
	if n.Kind == yaml.ScalarNode {
		return text(n)
	}
	var parts []string
	for _, c := range n.Content {
		parts = append(parts, flat(c, text))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// bare is a scalar in which quotes are the mark of a text.
func bare(n *yaml.Node) string {
	if n.Tag == "!!str" {
		return shown(n)
	}
	return cut(n.Value, 60)
}
