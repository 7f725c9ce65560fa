package optimizee

import (
	"fmt"
	"strings"
	"testing"
)

func TestATeamOfOneHearsItself(t *testing.T) {
	team := Alone()
	data := []float64{1, 2}
	if err := team.Send(0, data); err != nil {
		t.Fatal(err)
	}
	data[0] = 9 // it was copied
	if err := team.Send(0, data[1:]); err != nil {
		t.Fatal(err)
	}
	two, one := make([]float64, 2), make([]float64, 1)
	for _, err := range []error{
		team.Recv(0, two), team.Recv(0, one), team.Bcast(0, data), team.Allreduce(data), team.Barrier(),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(two, one, data, team.Rank(), team.Size()); got != "[1 2] [2] [9 2] 0 1" {
		t.Errorf("%s", got)
	}
	if err := team.Send(0, data); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"has sent 2 numbers, want 1": team.Recv(0, one), "to = 1, want 0": team.Send(1, nil), "from = 1, want 0": team.Recv(1, nil),
		"root = -1, want 0": team.Bcast(-1, nil), "waits for what it has not sent": Alone().Recv(0, one),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
}
