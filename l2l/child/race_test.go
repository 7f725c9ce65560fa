//go:build race

package child

func init() { raced = true }
