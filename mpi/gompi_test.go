//go:build mpi

package mpi

import (
	"reflect"
	"testing"
)

func TestGompiCommunicatorBeginsWithItsHandle(t *testing.T) {
	ours, _ := reflect.TypeFor[world]().FieldByName("comm")
	theirs := reflect.TypeFor[gompiComm]().Field(0).Type.Elem().Field(0)
	if theirs.Name != "comm" || theirs.Offset != 0 ||
		theirs.Type.Kind() != ours.Type.Kind() || theirs.Type.Size() != ours.Type.Size() {
		t.Errorf("first field of gompi.Communicator is %s %s at %d, want comm %s at 0", theirs.Name, theirs.Type, theirs.Offset, ours.Type)
	}
}
