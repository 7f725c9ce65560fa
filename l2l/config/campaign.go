package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Campaign is several runs, as a file describes them: each of its runs, with each combination of what it varies, on each of its seeds.
type Campaign struct {
	Base   any            `yaml:"base" doc:"the configuration that the runs have in common: the path of a file, or a section with its keys. Their names and directories are the campaign's"`
	Runs   []any          `yaml:"runs" doc:"runs by name, each a section {name: NAME, set: {key.path: value}} of what it has otherwise"`
	Vary   map[string]any `yaml:"vary" doc:"lists of values by key path, as in {optimizer: [{type: cmaes}, {type: lshade}], evaluation.replicates: [1, 4]}: there is a run for each combination, and of each of the runs by name"`
	Seeds  any            `yaml:"seeds" doc:"seeds on which each of them is run: a list, or how many, from the seed of the base on"`
	Output CampaignOutput `yaml:"output" doc:"what is kept"`
}

// CampaignOutput says where the runs of a campaign are kept.
type CampaignOutput struct {
	Dir string `yaml:"dir" doc:"where each run has a directory of its own, and the report is" auto:"runs/<name of the campaign's file>"`
}

// Member is a run of a campaign: its plan has its name, and its directory, which is in that of the campaign.
type Member struct {
	Name string
	Plan *Plan
}

// maxMembers is how many runs a campaign may have.
const maxMembers = 10_000

// LoadCampaign reads the file of a campaign: its directory, and its runs in the order in which they are to run, all of them checked as [Load] does. The
// assignments, each "key.path=value", change the base.
func LoadCampaign(path string, assignments []string, kinds Kinds) (dir string, members []Member, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	d, err := parse(path, text)
	if err != nil {
		return "", nil, err
	}
	if child(d.root, "base") == nil && child(d.root, "optimizee") != nil {
		return "", nil, fmt.Errorf("%s is the configuration of a run; want the file of a campaign, such as {base: %s, seeds: 5}", path, filepath.Base(path))
	}
	var c Campaign
	if err := d.joined(d.decode(d.root, "", &c)); err != nil {
		return "", nil, err
	}
	base, err := d.base(path)
	if err != nil {
		return "", nil, err
	}
	for _, a := range assignments {
		err = errors.Join(err, base.assign(a))
	}
	axes, aerr := d.axes(base)
	if err := errors.Join(err, aerr); err != nil {
		return "", nil, err
	}
	name := filepath.Base(path)
	dir = cmp.Or(c.Output.Dir, filepath.Join("runs", strings.TrimSuffix(name, filepath.Ext(name))))
	members, err = d.members(base, axes, dir, kinds)
	return dir, members, err
}

// base is the document that the runs of a campaign have in common.
func (d *document) base(path string) (base *document, err error) {
	dir := filepath.Dir(path)
	switch n := child(d.root, "base"); {
	case n == nil:
		return nil, fmt.Errorf("%s: base: it is missing, want a section with the keys of a configuration, or the path of one", d.name)
	case n.Kind == yaml.MappingNode:
		base = &document{name: d.name, text: d.text, root: n, set: map[*yaml.Node]string{}}
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		file := n.Value
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, d.wrong(n, "base", "%v", err)
		}
		if base, err = parse(file, text); err != nil {
			return nil, err
		}
		dir = filepath.Dir(file)
	default:
		return nil, d.wrong(n, "base", "%s, want a section with the keys of a configuration, or the path of one", shown(n))
	}
	base.dir, err = filepath.Abs(dir)
	return base, err
}

// variation is what a run of a campaign has otherwise than the base, and what it is called for that.
type variation struct {
	label string
	set   []setting
}

// setting is a value at a path of the base.
type setting struct {
	path  string
	value *yaml.Node
}

// axes are the ways in which the runs of a campaign differ; there is a run for each combination of one variation of each.
func (d *document) axes(base *document) (axes [][]variation, err error) {
	var errs []error
	if n := child(d.root, "runs"); n != nil {
		runs, err := d.byName(n)
		if err == nil && len(runs) == 0 {
			err = d.wrong(n, "runs", "want one at least")
		}
		axes, errs = append(axes, runs), append(errs, err)
	}
	if n := child(d.root, "vary"); n != nil {
		seen := map[string]bool{"name": true, "output.dir": true, "output": true, "seed": child(d.root, "seeds") != nil}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, values := n.Content[i], n.Content[i+1]
			path := "vary." + key.Value
			switch {
			case seen[key.Value]:
				errs = append(errs, d.wrong(key, path, "want a key that is there once, and not name, output or, beside seeds, seed: these are the campaign's"))
				continue
			case values.Kind != yaml.SequenceNode || len(values.Content) == 0:
				errs = append(errs, d.wrong(values, path, "%s, want a list of values", shown(values)))
				continue
			}
			seen[key.Value] = true
			axis, err := d.axis(path, key.Value, values.Content)
			axes, errs = append(axes, axis), append(errs, err)
		}
	}
	if n := child(d.root, "seeds"); n != nil {
		seeds, err := d.seeds(n, base)
		if err == nil {
			var axis []variation
			axis, err = d.axis("seeds", "seed", seeds)
			axes = append(axes, axis)
		}
		errs = append(errs, err)
	}
	if len(axes) == 0 && len(errs) == 0 {
		return nil, fmt.Errorf("%s: want runs, vary or seeds: it says of no run how it differs from the base", d.name)
	}
	return axes, d.joined(errs...)
}

// byName are the variations that a list of runs describes.
func (d *document) byName(list *yaml.Node) (axis []variation, err error) {
	var errs []error
	seen := map[string]bool{}
	for i, n := range list.Content {
		path := fmt.Sprintf("runs[%d]", i)
		var run struct {
			Name string         `yaml:"name"`
			Set  map[string]any `yaml:"set"`
		}
		if err := d.decode(n, path, &run); err != nil {
			errs = append(errs, err)
			continue
		}
		if run.Name == "" || seen[run.Name] {
			errs = append(errs, d.wrong(n, path, "want a name, which no other run has"))
			continue
		}
		seen[run.Name] = true
		v := variation{label: run.Name}
		if set := child(n, "set"); set != nil {
			for k := 0; k+1 < len(set.Content); k += 2 {
				v.set = append(v.set, setting{set.Content[k].Value, set.Content[k+1]})
			}
		}
		axis = append(axis, v)
	}
	return axis, errors.Join(errs...)
}

var shortWord = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,40}$`)

// axis are the variations that have these values of a key. They are called by it and the value, or, where that is a section, by its type.
func (d *document) axis(path, key string, values []*yaml.Node) (axis []variation, err error) {
	var errs []error
	last := key[strings.LastIndex(key, ".")+1:]
	called := map[string]int{}
	label := func(n *yaml.Node) string {
		switch typ := child(n, "type"); {
		case n.Kind == yaml.ScalarNode && shortWord.MatchString(n.Value):
			return last + "=" + n.Value
		case n.Kind == yaml.MappingNode && typ != nil && shortWord.MatchString(typ.Value):
			return typ.Value
		}
		return last
	}
	for _, n := range values {
		called[label(n)]++
	}
	for i, n := range values {
		name := label(n)
		if n.Kind == yaml.ScalarNode && called[name] > 1 && name != last {
			if i > slices.IndexFunc(values, func(v *yaml.Node) bool { return v.Value == n.Value }) {
				errs = append(errs, d.wrong(n, path, "%s is there twice", shown(n)))
			}
		} else if called[name] > 1 || name == last {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		axis = append(axis, variation{name, []setting{{key, n}}})
	}
	return axis, errors.Join(errs...)
}

// seeds are the seeds of a list, or so many from that of the base on.
func (d *document) seeds(n *yaml.Node, base *document) ([]*yaml.Node, error) {
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
		return n.Content, nil
	}
	many := 0
	if err := d.scan(n, "seeds", reflect.ValueOf(&many).Elem()); err != nil || many < 1 || many > maxMembers {
		return nil, d.wrong(n, "seeds", "%s, want a list of seeds, or how many, 1 to %d", shown(n), maxMembers)
	}
	first := Defaults().Seed
	if given := child(base.root, "seed"); given != nil {
		if err := base.scan(given, "seed", reflect.ValueOf(&first).Elem()); err != nil {
			return nil, err
		}
	}
	all := make([]*yaml.Node, many)
	for i := range all {
		all[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatUint(first+uint64(i), 10), Line: n.Line, Column: n.Column}
	}
	return all, nil
}

// members are the runs of the combinations. An error that several of them have is told once.
func (d *document) members(base *document, axes [][]variation, dir string, kinds Kinds) (members []Member, err error) {
	count := 1
	for _, axis := range axes {
		if count *= len(axis); count > maxMembers {
			return nil, fmt.Errorf("%s: more than %d runs", d.name, maxMembers)
		}
	}
	told, seen := map[string]bool{}, map[string]bool{}
	var errs []error
	at := make([]int, len(axes)) // the variation of each axis, the last one changing fastest
	for range count {
		doc := base.clone()
		var labels []string
		var problems []error
		for i, axis := range axes {
			v := axis[at[i]]
			labels = append(labels, v.label)
			for _, s := range v.set {
				problems = append(problems, doc.put(s.path, doc.adopt(s.value, d), fmt.Sprintf("%s:%d:%d", d.name, s.value.Line, s.value.Column)))
			}
		}
		name := strings.Join(labels, "_")
		for _, own := range []setting{{"name", scalarNode(name)}, {"output.dir", scalarNode(filepath.Join(dir, name))}} {
			problems = append(problems, doc.put(own.path, own.value, d.name+": the run "+name))
		}
		if seen[name] {
			problems = append(problems, fmt.Errorf("%s: two runs are called %s, want runs with names that tell them apart", d.name, name))
		}
		seen[name] = true
		err := errors.Join(problems...)
		var p *Plan
		if err == nil {
			p, err = doc.plan(nil, kinds)
		}
		if err == nil {
			members = append(members, Member{name, p})
		} else if !told[err.Error()] {
			told[err.Error()] = true
			errs = append(errs, err)
		}
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < len(axes[i]) {
				break
			}
			at[i] = 0
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return members, nil
}

// clone is a copy of a document that can be changed alone.
func (d *document) clone() *document {
	c := &document{name: d.name, dir: d.dir, text: d.text, set: map[*yaml.Node]string{}}
	c.root = c.adopt(d.root, d)
	return c
}

// adopt is a copy for this document of a node of another.
func (d *document) adopt(n *yaml.Node, from *document) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, inner := range n.Content {
		c.Content[i] = d.adopt(inner, from)
	}
	if place, ok := from.set[n]; ok {
		d.set[&c] = place
	}
	return &c
}
