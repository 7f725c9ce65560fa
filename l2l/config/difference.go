package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
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

// Continued is the plan by which a run goes on that was started with an effective configuration: what this plan does not name of the optimizer and the
// optimizee, and what is searched depends on, is what it was then, and so are execution.parallel and execution.quorum where they are auto, whatever the defaults
// and the ranks are by now.
func (p *Plan) Continued(started string) (*Plan, error) {
	d, err := parse("the run's configuration", []byte(started))
	if err != nil {
		return nil, err
	}
	d.recorded = true
	q := *p
	was, err := executionOf(d)
	if err != nil {
		return nil, err
	}
	if q.Execution.Parallel == 0 {
		q.Execution.Parallel = was.Parallel
	}
	if q.Execution.Quorum == 0 {
		q.Execution.Quorum = was.Quorum
	}
	q.Params, q.given = copied(p.given), nil
	if was := p.Optimizer.Params(); p.unnamed != nil {
		same, err := d.past("optimizer", p.Optimizer.Name, was)
		if err != nil {
			return nil, err
		}
		if same { // otherwise Resumable will not let it pass
			recall(q.Params, was, p.unnamed)
		}
	}
	if was := p.Optimizee.New(); p.unnamedModel != nil {
		same, err := d.past("optimizee", p.Optimizee.Name, was)
		if err != nil {
			return nil, err
		}
		if same {
			q.configured = func() (optimizee.Optimizee, error) {
				o, err := p.configured()
				recall(o, was, p.unnamedModel)
				return o, err
			}
			if err := q.learn(); err != nil {
				return nil, err
			}
		}
	}
	return &q, q.complete()
}

// executionOf is what an effective configuration has of execution: parallel is 1 in versions that knew no other, and 0 where it is not settled.
func executionOf(d *document) (was Execution, err error) {
	was.Parallel = 1
	execution := child(d.root, "execution")
	d.complete(execution, &was)
	if execution != nil {
		err = d.decode(execution, "execution", &was)
	}
	return was, err
}

// past reads the section of a name from the effective configuration of a run into v, which holds the defaults of today, if it is of this kind.
func (d *document) past(name, kind string, v any) (same bool, err error) {
	n := child(d.root, name)
	if n == nil || child(n, "type") == nil || child(n, "type").Value != kind {
		return false, nil
	}
	d.complete(n, v)
	return true, d.decode(n, name, v, "type")
}

// recall sets the fields of v that are not named, and that the search depends on, to what they were.
func recall(v, was any, unnamed func(key string) bool) {
	before := schema.Fields(was)
	for i, f := range schema.Fields(v) {
		if unnamed(f.Key) && !f.Free {
			f.Value.Set(before[i].Value)
		}
	}
}

// Resumable compares the effective configuration that a run was started with and this plan's. What differs and may, because it changes where and
// how evaluations run and not what is searched, is returned; what may not is an error that names each value. The fields themselves say what may
// (package schema). A key that the run was started without, as it is newer, counts as having had its default, or what the field says it was.
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
		if auto, kept := map[string]bool{"execution.parallel": p.Execution.Parallel == 0, "execution.quorum": p.Execution.Quorum == 0}[d.Path]; kept {
			if d.Before == "nothing" {
				d.Before = `"1"` // as it would be shown
			}
			if d.Before == d.After || auto {
				continue
			}
		}
		if d.Before == "nothing" && p.isDefault(d.Path, d.After) {
			continue
		}
		if p.mayChange(d.Path) {
			changes = append(changes, d)
			continue
		}
		errs = append(errs, fmt.Errorf("%s: the run was started with %s; with %s it would be another search", d.Path, d.Before, d.After))
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
	for _, f := range schema.Fields(defaults) {
		if f.Key == rest && f.Past != "" {
			n = scalarNode(f.Past)
			return value == flat(n, shown) || value == flat(n, bare)
		}
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
