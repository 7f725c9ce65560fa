//go:build simulators

package examples

import "testing"

// TestSimulatorsOfTheGuideUseThePackageAsItInstallsIt follows the guide with what it downloads.
func TestSimulatorsOfTheGuideUseThePackageAsItInstallsIt(t *testing.T) {
	follow(t, guide(t), []string{"network"}, nil)
}
