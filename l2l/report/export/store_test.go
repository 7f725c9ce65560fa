package export

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// golden is a run of several generations, with failures.
func golden(t *testing.T) (*report.Run, []report.Generation) {
	t.Helper()
	r, err := report.Open("../../app/testdata/golden/journal-2/plain/run", nil)
	if err != nil {
		t.Fatal(err)
	}
	var rows []report.Generation
	for g, err := range r.Generations() {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, g)
	}
	if len(rows) < 3 || len(rows[0].Names) == 0 {
		t.Fatalf("%d generations, the first with the figures %v", len(rows), rows[0].Names)
	}
	return r, rows
}

// fields are the fields of a message: numbers as their bits, the rest as bytes.
func fields(t *testing.T, b []byte) (out map[protowire.Number][]any) {
	t.Helper()
	out = map[protowire.Number][]any{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var v any
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			v, n = protowire.ConsumeFixed32(b)
		default:
			v, n = protowire.ConsumeBytes(b)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		out[number] = append(out[number], v)
		b = b[n:]
	}
	return out
}

func TestEventsOfTensorBoardHoldTheGenerations(t *testing.T) {
	r, rows := golden(t)
	dir := filepath.Join(t.TempDir(), "logs", "plain")
	for range 2 { // a second time it is replaced
		if err := TensorBoard(r, dir); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v, want one file", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	unmasked := func(sum []byte) uint32 {
		v := binary.LittleEndian.Uint32(sum) - 0xa282ead8
		return v>>17 | v<<15
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	var events []map[protowire.Number][]any
	for len(b) > 0 {
		n := binary.LittleEndian.Uint64(b)
		data := b[12 : 12+n]
		if unmasked(b[8:12]) != crc32.Checksum(b[:8], table) || unmasked(b[12+n:]) != crc32.Checksum(data, table) {
			t.Fatalf("record %d does not have its checksums", len(events))
		}
		events = append(events, fields(t, data))
		b = b[16+n:]
	}
	if len(events) != 1+len(rows) || string(events[0][3][0].([]byte)) != "brain.Event:2" {
		t.Fatalf("%d events, want the version and %d", len(events), len(rows))
	}
	before := 0.0
	for i, row := range rows {
		e := events[1+i]
		at := math.Float64frombits(e[1][0].(uint64))
		if at < before || e[2][0] != uint64(row.Generation) {
			t.Errorf("event %d is of step %v at %v, after %v", i, e[2], at, before)
		}
		before = at
		got := map[string]float32{}
		for _, v := range fields(t, e[5][0].([]byte))[1] {
			value := fields(t, v.([]byte))
			got[string(value[1][0].([]byte))] = math.Float32frombits(value[2][0].(uint32))
		}
		want := map[string]float64{"evaluations": float64(row.Evaluations)}
		if len(row.Best) > 0 {
			want["best/value"] = row.Best[0]
		}
		for k, name := range row.Names {
			want["optimizer/"+name] = row.Figures[k]
		}
		for name, v := range want {
			if got[name] != float32(v) {
				t.Errorf("generation %d: %s is %v, want %v", row.Generation, name, got[name], v)
			}
		}
	}
}

func TestMLflowHoldsTheGenerationsAndTheConfiguration(t *testing.T) {
	r, rows := golden(t)
	dir := t.TempDir()
	for range 2 {
		if err := MLflow(r, dir); err != nil {
			t.Fatal(err)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", "meta.yaml"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v, want one run", found, err)
	}
	one := filepath.Dir(found[0])
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(one, name))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	var meta map[string]any
	if err := yaml.Unmarshal([]byte(read("meta.yaml")), &meta); err != nil || meta["run_id"] != filepath.Base(one) || meta["status"] != 3 {
		t.Errorf("meta.yaml: %v, %v; want a run that has ended", meta, err)
	}
	lines := strings.Split(strings.TrimSpace(read("metrics/best/value")), "\n")
	for i, line := range lines {
		var at int64
		var value float64
		var step int
		if _, err := fmt.Sscan(line, &at, &value, &step); err != nil || step != rows[i].Generation || value != rows[i].Best[0] || at < r.Begun.At/1000 {
			t.Errorf("%s, %v; want %v of generation %d", line, err, rows[i].Best, rows[i].Generation)
		}
	}
	if len(lines) != len(rows) {
		t.Errorf("%d lines, want %d", len(lines), len(rows))
	}
	if kind := read("params/optimizer.type"); kind != r.Begun.Algorithm {
		t.Errorf("the optimizer is %s, want %s", kind, r.Begun.Algorithm)
	}
	if replicates := read("params/evaluation.replicates"); replicates != "3" {
		t.Errorf("%s replicates, want 3", replicates)
	}
	if result, err := os.ReadFile(filepath.Join(r.Dir, "result.json")); err != nil || read("artifacts/result.json") != string(result) {
		t.Errorf("the artifact is not result.json; %v", err)
	}
}

// A name that is none of a file's does not lead out of the directory.
func TestNamesForMLflowStayInTheirDirectory(t *testing.T) {
	for name, want := range map[string]string{
		"best/value": "best/value", "best/../../../etc": "etc", "answer.w[0]": "answer.w_0_", "best/ψ, a": "best/__ a", "/x": "x",
	} {
		if got := safe(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
