package schema_test

import (
	"encoding/json"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// What a schema says of a field is what its tags say.
func TestJSONSaysWhatTheTagsSay(t *testing.T) {
	s := valid()
	got, err := json.Marshal(schema.JSON(&s, map[string]any{"type": map[string]any{"const": "sample"}}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"additionalProperties":false,"properties":{` +
		`"inner":{"additionalProperties":false,"description":"","properties":{` +
		`"level":{"default":1,"description":"","exclusiveMinimum":0,"maximum":1,"type":"number"}},"type":["object","null"]},` +
		`"kind":{"default":"blend","description":"","enum":["blend","uniform"]},` +
		`"named":{"additionalProperties":{"additionalProperties":false,"properties":{` +
		`"level":{"default":0,"description":"","exclusiveMinimum":0,"maximum":1,"type":"number"}},"type":["object","null"]},` +
		`"description":"","propertyNames":{"minLength":1},"type":["object","null"]},` +
		`"pop_size":{"anyOf":[{"minimum":2,"type":"integer"},{"const":"auto"}],"default":"auto","description":"individuals"},` +
		`"rate":{"default":0.5,"description":" (1/s)","exclusiveMaximum":1,"exclusiveMinimum":0,"type":"number"},` +
		`"seed":{"default":0,"description":"where randomness starts","type":"integer"},` +
		`"steps":{"default":[0,5],"description":"","items":{"maximum":5,"minimum":0,"type":"number"},"type":"array"},` +
		`"type":{"const":"sample"},` +
		`"wait":{"anyOf":[{"pattern":"^[-+]?(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$","type":"string"},{"const":0}],` +
		`"default":"0s","description":""}},"type":"object"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
