package examples

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
)

// Every configuration of an example passes the schema that its program has for editors.
func TestExamplesPassTheSchema(t *testing.T) {
	configs, err := filepath.Glob("*/run*.yaml")
	if err != nil || len(configs) < 25 {
		t.Fatalf("%d configurations, %v", len(configs), err)
	}
	schemas := map[string]*jsonschema.Schema{}
	for _, name := range configs {
		main := "../cmd/l2l-mpi"
		if dir := filepath.Dir(name); strings.HasPrefix(dir, "custom") {
			main = "./" + dir
		}
		if schemas[main] == nil {
			text, err := exec.Command(program(t, main), "describe", "--schema").Output()
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			c := jsonschema.NewCompiler()
			if err := c.AddResource("schema.json", doc); err != nil {
				t.Fatal(err)
			}
			if schemas[main], err = c.Compile("schema.json"); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		value, err := config.ParseValue(string(text))
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas[main].Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
